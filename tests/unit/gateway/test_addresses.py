from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Networks, address_of, network_of

addresses = st.ip_addresses()
networks = st.tuples(addresses, st.integers(0, 128)).map(
    lambda pair: ip_network((pair[0], min(pair[1], pair[0].max_prefixlen)), strict=False)
)


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_a_peer_is_its_address_also_where_ipv6_carries_ipv4(peer: str, address: str) -> None:
    assert address_of(peer) == ip_address(address)


@pytest.mark.parametrize("peer", ["unknown", "", "10.0.0.1:80", "/run/socket"])
def test_what_is_no_address_is_none(peer: str) -> None:
    assert address_of(peer) is None


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.1", "10.0.0.1/32"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::/0", "::/0"),
    ],
)
def test_an_address_or_network_is_read(text: str, network: str) -> None:
    assert network_of(text) == ip_network(network)


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0", "acme", "", "10.0.0.0/33", "2001:db8::1/32"])
def test_what_is_no_network_is_none(text: str) -> None:
    assert network_of(text) is None


@given(st.lists(networks, max_size=6), addresses)
def test_an_address_is_in_networks_as_the_standard_library_says(found: list, address) -> None:  # type: ignore[no-untyped-def, type-arg]  # of two kinds, which typing cannot relate
    expected = any(address in network for network in found)

    assert (address in Networks(found)) is expected
    assert bool(Networks(found)) is bool(found)
