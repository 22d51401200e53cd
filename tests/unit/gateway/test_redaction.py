import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.report import load, redacted
from gateway.contract.redaction import for_one_line, without_password

pytestmark = pytest.mark.usefixtures("only_an_upstream")


def test_shown_settings_hide_secrets_and_passwords() -> None:
    settings = load({"redis_url": "redis://user:s3cret@redis:6379/0", "identity_secret": "s3cret"})
    texts = redacted(settings)

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
        ("user:s3cret@host:6379/0", "***@host:6379/0"),
        ("redis//:s3cret@h", "***@h"),
        ("https:/u:s3cret@h", "***@h"),
        ("//u:s3cret@h", "***@h"),
        ("redis:/:s3cret@@h", "***@h"),
        ("redis://:s3cret", "redis://:***"),
        ("redis://host:s3cret/0", "redis://host:***/0"),
        ("redis:///u:s3cret@h", "redis://***@h"),
        ("name@example", "name@example"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, safe: str) -> None:
    assert without_password(url) == safe


_WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=6)


@settings(max_examples=1000)
@given(
    st.sampled_from(["redis", "https", "unix", "redis+sentinel", ""]),
    st.text(":/", max_size=4),
    _WORDS,
    _WORDS,
    st.text(":@/?#", max_size=3),
)
def test_no_shape_of_a_url_shows_the_password(
    scheme: str, separator: str, user: str, host: str, behind: str
) -> None:
    url = f"{scheme}{separator}{user}:S3CRET-PASSWORD{behind}@{host}"

    assert "S3CRET" not in without_password(url)
    assert "S3CRET" not in for_one_line(url)
