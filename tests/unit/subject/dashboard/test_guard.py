from dataclasses import replace

import pytest

from subject.dashboard.guard import POLICY, Asked, is_ours, refusal

TOKEN = "a-token-of-some-length"
LOOK = Asked("GET", "/events", ("127.0.0.1:9180",))
CHANGE = Asked(
    "POST",
    "/changes/set",
    ("127.0.0.1:9180",),
    origin="http://127.0.0.1:9180",
    site="same-origin",
    content_type="application/json",
    authorization=f"Bearer {TOKEN}",
)


def status(asked: Asked, token: str | None = TOKEN) -> int | None:
    refused = refusal(asked, {"limits.example.org"}, token)
    return None if refused is None else refused.status


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1:9180", "127.0.0.1", "localhost:9180", "LOCALHOST", "[::1]:9180", "10.1.2.3:9180"),
        *("limits.example.org", "Limits.Example.org:443", "limits.example.org.:443"),
    ],
)
def test_an_address_cannot_be_made_to_lead_here_and_listed_names_may(host: str) -> None:
    assert is_ours(host, {"limits.example.org"})


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example:9180",
            "",
            ":9180",
        ),
        *("evil.example@127.0.0.1", "127.0.0.1/evil", "[::1", "127.0.0.1:x\\", "0x7f000001.evil"),
    ],
)
def test_any_other_name_is_a_foreign_one(host: str) -> None:
    assert not is_ours(host, {"limits.example.org"})
    assert status(replace(LOOK, hosts=(host,))) == 421


def test_a_request_has_one_host() -> None:
    assert status(replace(LOOK, hosts=())) == 421
    assert status(replace(LOOK, hosts=("127.0.0.1", "127.0.0.1"))) == 421


def test_whoever_is_here_may_look() -> None:
    assert status(LOOK) is None
    assert status(LOOK, token=None) is None
    assert status(replace(LOOK, site="same-origin", mode="cors", origin="http://127.0.0.1:9180")) is None


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9181", "file://"])
def test_another_origin_may_neither_look_nor_change(origin: str) -> None:
    assert status(replace(LOOK, origin=origin)) == 403
    assert status(replace(CHANGE, origin=origin)) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_link_from_elsewhere_opens_the_page_and_nothing_else(site: str) -> None:
    link = Asked("GET", "/", ("127.0.0.1:9180",), site=site, mode="navigate")

    assert status(link) is None
    assert status(replace(link, path="/history")) == 403
    assert status(replace(link, mode="no-cors")) == 403
    assert status(replace(CHANGE, site=site)) == 403


def test_who_has_the_token_may_change() -> None:
    assert status(CHANGE) is None
    assert status(replace(CHANGE, origin=None, site=None)) is None  # a script, not a browser
    assert status(replace(CHANGE, content_type="application/json; charset=utf-8")) is None


@pytest.mark.parametrize(
    "given", [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer ä"]
)
def test_who_has_not_may_not(given: str | None) -> None:
    assert status(replace(CHANGE, authorization=given)) == 401


def test_without_a_token_nobody_may() -> None:
    assert status(CHANGE, token=None) == 403
    assert status(replace(CHANGE, authorization="Bearer "), token=None) == 403


@pytest.mark.parametrize("given", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_what_a_form_of_another_page_could_send_is_no_change(given: str | None) -> None:
    assert status(replace(CHANGE, content_type=given)) == 415


def test_no_script_and_no_style_but_our_files() -> None:
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    assert "frame-ancestors 'none'" in POLICY


@pytest.mark.parametrize("given", ["Bearer \udcff\udcfe", f"Bearer {TOKEN}\udcff", "\udcff", "Bearer ä"])
def test_bytes_that_are_no_text_are_not_the_token(given: str) -> None:
    assert status(replace(CHANGE, authorization=given)) == 401
