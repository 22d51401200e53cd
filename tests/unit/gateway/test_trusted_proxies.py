from ipaddress import ip_address

import pytest

from gateway.access import TrustedProxies

LISTED = TrustedProxies(" 10.0.0.7, 192.0.2.0/24,, 2001:db8::/64 ")


@pytest.mark.parametrize("text", ["10.0.0.7", "192.0.2.200", "2001:db8::9"])
def test_a_listed_address_is_trusted(text: str) -> None:
    assert ip_address(text) in LISTED


@pytest.mark.parametrize("text", ["10.0.0.8", "192.0.3.1", "2001:db8:0:1::9"])
def test_no_other_address_is(text: str) -> None:
    assert ip_address(text) not in LISTED
    assert None not in LISTED


def test_nobody_is_trusted_where_nobody_is_listed() -> None:
    assert ip_address("127.0.0.1") not in TrustedProxies("")


def test_the_list_is_shown_as_it_can_be_written() -> None:
    assert str(LISTED) == "10.0.0.7, 192.0.2.0/24, 2001:db8::/64"


@pytest.mark.parametrize("text", ["proxy.example", "10.0.0.1/8", "10.0.0.1:80", "10.0.0.1 10.0.0.2"])
def test_what_is_no_network_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="no address and no network"):
        TrustedProxies(f"10.0.0.7, {text}")


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "::ffff:0:0/96"])
def test_not_everybody_is_a_proxy(text: str) -> None:
    with pytest.raises(ValueError, match="everybody"):
        TrustedProxies(text)
