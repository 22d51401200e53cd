import pytest

from gateway.setting_words import shown
from gateway.settings_reader import load
from gateway.shown_values import without_password

pytestmark = pytest.mark.usefixtures("only_an_upstream")


def test_shown_settings_hide_secrets_and_passwords() -> None:
    settings = load({"redis_url": "redis://user:s3cret@redis:6379/0", "identity_secret": "s3cret"})
    texts = shown(settings)

    assert texts["REDIS_URL"] == "redis://user:***@redis:6379/0"
    assert texts["GATEWAY_IDENTITY_SECRET"] == "**********"
    assert texts["GATEWAY_DEFAULT_LIMIT"] == "100/m"
    assert texts["GATEWAY_CLIENTS_FILE"] == ""
    assert "s3cret" not in str(texts) + repr(settings)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("redis://host:1/0", "redis://host:1/0"),
        ("redis://user@host/0", "redis://user@host/0"),
        ("redis://:s3cret@host/0", "redis://:***@host/0"),
        ("redis://user:s3%40cret@host", "redis://user:***@host"),
        ("redis://:s3@cret@host", "redis://:***@host"),
        ("redis://host/0?password=s3cret&db=1", "redis://host/0?password=***&db=1"),
        ("unix:///run/redis.sock?password=s3cret", "unix:///run/redis.sock?password=***"),
        ("unix://:s3cret@/run/redis.sock", "unix://:***@/run/redis.sock"),
        ("redis+sentinel://u:s3cret@a:1,b:2/main/0", "redis+sentinel://u:***@a:1,b:2/main/0"),
        (
            "rediss+sentinel://a:1,b:2/main?sentinel_username=u&sentinel_password=s3cret&ssl_cert_reqs=none",
            "rediss+sentinel://a:1,b:2/main?sentinel_username=u&sentinel_password=***&ssl_cert_reqs=none",
        ),
        ("redis+sentinel://:x@a:1,b:2/main?sentinel_password=s3@cret", "redis+sentinel://:***@***"),
        ("redis://:s3?password=x@cret@host", "redis://:***@***"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, safe: str) -> None:
    assert without_password(url) == safe
