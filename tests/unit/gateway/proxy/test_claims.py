import pytest

from gateway.http.forwarded import OTHER_PATHS, REWRITTEN, SPOOFABLE, is_spoofable


@pytest.mark.parametrize(
    "name",
    [*sorted(SPOOFABLE | OTHER_PATHS | REWRITTEN), b"x-forwarded", b"x-forwarded-port", b"x-forwarded-user"],
)
def test_what_a_proxy_would_say_is_a_claim(name: bytes) -> None:
    assert is_spoofable(name)


@pytest.mark.parametrize("name", [b"host", b"user-agent", b"via", b"x-request-id", b"x-api-key", b"forward"])
def test_other_fields_are_the_clients_own(name: bytes) -> None:
    assert not is_spoofable(name)


def test_names_are_in_lower_case_with_hyphens() -> None:
    assert all(name == name.lower() and b"_" not in name for name in SPOOFABLE | OTHER_PATHS | REWRITTEN)
