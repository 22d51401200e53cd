from ipaddress import ip_address

import pytest

from gateway.contract.client_id import MAX_KEY_LENGTH, unknown_client_id
from gateway.contract.clients import parse_clients
from gateway.identity import Identity, UnauthenticatedError, extract_key

CLIENTS = parse_clients('[[clients]]\nname = "acme"\nkey = "acme-key"\n')
Field = tuple[bytes, bytes]


def api_key(value: bytes) -> Field:
    return (b"X-API-Key", value)


def authorization(value: bytes) -> Field:
    return (b"Authorization", value)


@pytest.mark.parametrize(
    "headers",
    [
        [api_key(b"abc")],
        [(b"x-api-key", b"abc")],
        [authorization(b"Bearer abc")],
        [authorization(b"bearer abc")],
        [authorization(b"BEARER   abc ")],
        [(b"AUTHORIZATION", b"Bearer abc")],
        [authorization(b"Bearer\tabc")],
        [api_key(b"abc"), authorization(b"Bearer abc")],
        [authorization(b"Basic dXNlcjpwYXNz"), api_key(b"abc")],
        [authorization(b"Basic dXNlcjpwYXNz"), authorization(b"Bearer abc")],
        [(b"X-Other", b"x"), api_key(b"abc"), (b"Cookie", b"X-API-Key: def")],
    ],
)
def test_a_key_is_found_in_either_field(headers: list[Field]) -> None:
    assert extract_key(headers) == "abc"


@pytest.mark.parametrize("key", [b"!", b"~", b"a" * MAX_KEY_LENGTH, b"a=b,c;d/e+f=="])
def test_a_key_of_visible_ascii_is_usable(key: bytes) -> None:
    assert extract_key([api_key(key)]) == key.decode()
    assert extract_key([authorization(b"Bearer " + key)]) == key.decode()


WITHOUT_KEY: dict[str, list[Field]] = {
    "none": [(b"Accept", b"*/*")],
    "another scheme": [authorization(b"Basic dXNlcjpwYXNz")],
    "a scheme that only starts like Bearer": [authorization(b"BearerX abc")],
}


@pytest.mark.parametrize("headers", WITHOUT_KEY.values(), ids=WITHOUT_KEY)
def test_other_credentials_are_no_key(headers: list[Field]) -> None:
    assert extract_key(headers) is None


REFUSED: dict[str, list[Field]] = {
    "empty": [api_key(b"")],
    "empty bearer": [authorization(b"Bearer ")],
    "bearer without a token": [authorization(b"Bearer")],
    "bearer, of another case, without a token": [authorization(b"bEARER")],
    "bearer with a tab": [authorization(b"Bearer \t")],
    "repeated": [api_key(b"abc"), api_key(b"abc")],
    "repeated, differing": [api_key(b"abc"), api_key(b"def")],
    "repeated bearer": [authorization(b"Bearer abc"), authorization(b"Bearer abc")],
    "two places, differing": [api_key(b"abc"), authorization(b"Bearer def")],
    "two places, one empty": [api_key(b""), authorization(b"Bearer abc")],
    "over-long": [api_key(b"a" * (MAX_KEY_LENGTH + 1))],
    "not ASCII": [api_key(b"caf\xe9")],
    "UTF-8": [api_key("clé".encode())],
    "with a space": [api_key(b"a b")],
    "with a tab": [authorization(b"Bearer a\tb")],
    "with a control character": [api_key(b"a\x01b")],
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_what_is_no_usable_key_identifies_nobody(headers: list[Field]) -> None:
    with pytest.raises(UnauthenticatedError) as reason:
        extract_key(headers)

    sent = [value.decode("latin-1") for _, value in headers if value.lower().strip() not in (b"", b"bearer")]
    assert not any(value in str(reason.value) for value in sent)


HERE = ip_address("2001:db8::5")


def test_a_registered_clients_key_gives_its_name() -> None:
    identity = Identity(CLIENTS, accepts_unknown=False, secret="s")

    assert identity.authenticate(identity.sent_key([api_key(b"acme-key")]), HERE).client == "acme"


def test_an_unknown_key_is_a_client_of_its_own_where_the_settings_say_so() -> None:
    identity = Identity(CLIENTS, accepts_unknown=True, secret="s")

    sent = identity.sent_key([api_key(b"new")])
    assert identity.authenticate(sent, HERE).client == unknown_client_id("new", "s")
    assert identity.authenticate(identity.sent_key([api_key(b"acme-key")]), HERE).client == "acme"


def test_an_unknown_key_is_nobody_where_the_settings_say_so() -> None:
    identity = Identity(CLIENTS, accepts_unknown=False, secret="s")

    with pytest.raises(UnauthenticatedError, match="not known") as reason:
        identity.authenticate(identity.sent_key([api_key(b"guessed-key")]), HERE)
    assert "guessed-key" not in str(reason.value)


ANONYMOUS = Identity(CLIENTS, accepts_unknown=False, secret="s", accepts_anonymous=True)


@pytest.mark.parametrize("headers", WITHOUT_KEY.values(), ids=WITHOUT_KEY)
def test_without_a_key_an_address_is_a_client_where_the_settings_say_so(headers: list[Field]) -> None:
    assert ANONYMOUS.authenticate(ANONYMOUS.sent_key(headers), HERE).client == "2001:db8::/64"
    identity = Identity(CLIENTS, accepts_unknown=True, secret="s")
    with pytest.raises(UnauthenticatedError, match="needed"):
        identity.authenticate(identity.sent_key(headers), HERE)


def test_without_a_key_and_an_address_nobody_is_a_client() -> None:
    with pytest.raises(UnauthenticatedError, match="needed"):
        ANONYMOUS.authenticate(ANONYMOUS.sent_key([]), None)


@pytest.mark.parametrize("headers", [*REFUSED.values(), [api_key(b"guessed-key")]])
def test_a_key_that_is_none_is_not_taken_for_no_key(headers: list[Field]) -> None:
    with pytest.raises(UnauthenticatedError):
        ANONYMOUS.authenticate(ANONYMOUS.sent_key(headers), HERE)


def test_the_field_of_the_key_may_have_another_name() -> None:
    assert extract_key([(b"x-TOKEN", b"abc"), api_key(b"def")], "X-Token") == "abc"
    assert extract_key([api_key(b"def")], "X-Token") is None
    with pytest.raises(UnauthenticatedError, match="X-Token"):
        Identity(CLIENTS, accepts_unknown=True, secret="s", key_header="X-Token").authenticate(None, None)
