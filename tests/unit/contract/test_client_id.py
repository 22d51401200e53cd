import hashlib
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.client_id import (
    MAX_KEY_LENGTH,
    address_id,
    is_address_id,
    is_client_id,
    is_registered_name,
    is_usable_key,
    key_digest,
    unknown_client_id,
)

keys = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=MAX_KEY_LENGTH)


@given(keys, st.text(max_size=200))
def test_an_unknown_client_has_an_id_that_no_registered_one_can_have(key: str, secret: str) -> None:
    identifier = unknown_client_id(key, secret)

    assert is_client_id(identifier)
    assert not is_registered_name(identifier)


@given(keys)
def test_an_unknown_client_id_is_the_same_each_time(key: str) -> None:
    assert unknown_client_id(key, "secret") == unknown_client_id(key, "secret")


def test_another_secret_gives_another_id() -> None:
    assert unknown_client_id("key", "one") != unknown_client_id("key", "two")


def test_secrets_that_begin_alike_are_told_apart_at_any_length() -> None:
    assert unknown_client_id("key", "s" * 64 + "a") != unknown_client_id("key", "s" * 64 + "b")


def test_a_key_digest_is_sha256_in_hex() -> None:
    assert key_digest("key") == hashlib.sha256(b"key").hexdigest()


@pytest.mark.parametrize("name", ["acme", "a", "ACME-2.eu", "team_7", "a@example.org", "9", "x" * 64])
def test_a_name_of_letters_digits_and_a_few_marks_may_be_registered(name: str) -> None:
    assert is_registered_name(name)
    assert is_client_id(name)


@pytest.mark.parametrize(
    "name",
    ["", "-a", ".a", "a b", "a:b", "a{b}", "a/b", "a\n", "ä", "٣", "x" * 65, "k_", "k_acme", "k_" + "0" * 16],
)
def test_other_names_may_not(name: str) -> None:
    assert not is_registered_name(name)


@pytest.mark.parametrize(
    "text", ["k_", "k_acme", "k_" + "0" * 15, "k_" + "0" * 17, "k_" + "F" * 16, "k_" + "0" * 16 + "\n"]
)
def test_what_only_looks_like_an_unknown_client_is_no_id(text: str) -> None:
    assert not is_client_id(text)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
    ],
)
def test_an_address_is_a_client_of_ipv6_by_what_one_customer_has(address: str, text: str) -> None:
    assert address_id(ip_address(address)) == text


@given(st.ip_addresses())
def test_an_address_has_an_id_that_no_other_client_can_have(address: IPv4Address | IPv6Address) -> None:
    identifier = address_id(address)

    assert address in ip_network(identifier) or isinstance(ip_network(identifier), IPv4Network)
    assert is_address_id(identifier)
    assert is_client_id(identifier)
    assert not is_registered_name(identifier)


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1/32",
        "10.0.0",
        "10.0.0.256",
        "010.0.0.1",
        "2001:db8::1",
        "2001:db8::1/64",
        "2001:DB8::/64",
        "2001:db8:0::/64",
        "2001:db8::/63",
        "2001:db8::/064",
        "2001:db8::/64\n",
        "",
    ],
)
def test_an_address_has_no_second_id(text: str) -> None:
    assert not is_address_id(text)


@given(keys)
def test_a_key_of_visible_ascii_characters_is_usable(key: str) -> None:
    assert is_usable_key(key)


@pytest.mark.parametrize(
    "key", ["", "a b", "a\tb", "a\x00", "a\x7f", "schlüssel", "٣", "x" * (MAX_KEY_LENGTH + 1)]
)
def test_another_key_is_not(key: str) -> None:
    assert not is_usable_key(key)


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("64:ff9b::c000:221", "192.0.2.33"),
        ("64:ff9b:1::c000:221", "192.0.2.33"),
        ("64:ff9b:1:abcd::c000:221", "192.0.2.33"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.45"),
        ("2002:c000:221:1::5", "192.0.2.33"),
        ("2002:c000:221:2::5", "192.0.2.33"),
        ("::ffff:192.0.2.33", "192.0.2.33"),
        ("64:ff9b:2::c000:221", "64:ff9b:2::/64"),
        ("2001:1::c000:221", "2001:1::/64"),
        ("2001:db8::c000:221", "2001:db8::/64"),
    ],
)
def test_an_address_that_embeds_ipv4_is_the_client_of_that_address(address: str, client: str) -> None:
    assert address_id(ip_address(address)) == client
    assert is_address_id(client)
