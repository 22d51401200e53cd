from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import TrustedProxies, address_of
from gateway.http.fields import Fields
from gateway.http.forwarded import ForwardedError, RemoteAddress, forwarding_fields, resolve_remote

TRUSTED = TrustedProxies("10.0.0.0/24, 2001:db8:ff::/64")
PROXY = "10.0.0.1"
CLIENT = "203.0.113.9"


def fields_of(*lines: str) -> Fields:
    pairs = (line.encode().partition(b": ") for line in lines)
    return [(name, value) for name, _, value in pairs]


def sender(*lines: str, peer: str = PROXY, **differing: Any) -> RemoteAddress:
    usual: dict[str, Any] = {"scheme": b"http", "host": b"service.example", "trusted": TRUSTED}
    return resolve_remote(fields_of(*lines), peer, **(usual | differing))


WAYS: dict[str, tuple[list[str], list[str]]] = {
    "one proxy": ([f"X-Forwarded-For: {CLIENT}"], [CLIENT]),
    "what the client claims": ([f"X-Forwarded-For: 1.1.1.1, 10.0.0.5, {CLIENT}"], [CLIENT]),
    "two proxies": ([f"X-Forwarded-For: 1.1.1.1, {CLIENT}, 10.0.0.5"], [CLIENT, "10.0.0.5"]),
    "several lines": (
        ["X-Forwarded-For: 1.1.1.1", f"x-forwarded-for: {CLIENT},10.0.0.5"],
        [CLIENT, "10.0.0.5"],
    ),
    "empty elements": ([f"X-Forwarded-For: , {CLIENT} ,,"], [CLIENT]),
    "a port": ([f"X-Forwarded-For: {CLIENT}:50000"], [CLIENT]),
    "IPv6": (["X-Forwarded-For: 2001:DB8:0::1"], ["2001:db8::1"]),
    "IPv6 with a port": (["X-Forwarded-For: [2001:db8::1]:443"], ["2001:db8::1"]),
    "IPv4 within IPv6": ([f"X-Forwarded-For: ::ffff:{CLIENT}, ::ffff:10.0.0.5"], [CLIENT, "10.0.0.5"]),
    "nonsense left of the client": ([f"X-Forwarded-For: <script>, {CLIENT}"], [CLIENT]),
    "proxies only": (["X-Forwarded-For: 10.0.0.8, 10.0.0.5"], ["10.0.0.8", "10.0.0.5"]),
    "nothing said": ([], []),
    "an empty field": (["X-Forwarded-For: "], []),
    "RFC 7239": ([f"Forwarded: for=1.1.1.1, for={CLIENT}, for=10.0.0.5"], [CLIENT, "10.0.0.5"]),
    "RFC 7239 with a port": ([f'Forwarded: for="{CLIENT}:_x-1"'], [CLIENT]),
    "RFC 7239 and IPv6": (['Forwarded: for="[2001:db8::1]:4711"'], ["2001:db8::1"]),
    "hidden left of the client": ([f"Forwarded: for=_secret, for={CLIENT}"], [CLIENT]),
    "both, agreeing": ([f"X-Forwarded-For: {CLIENT}", f'Forwarded: for="{CLIENT}"'], [CLIENT]),
}


@pytest.mark.parametrize(("lines", "way"), WAYS.values(), ids=WAYS)
def test_behind_trusted_proxies_the_client_is_the_first_that_is_none(
    lines: list[str], way: list[str]
) -> None:
    found = sender(*lines)

    assert found.chain == (*way, PROXY)
    assert found.client == (way or [PROXY])[0]
    assert found.by_proxy


@pytest.mark.parametrize("lines", [lines for lines, _ in WAYS.values()], ids=list(WAYS))
def test_what_another_peer_says_is_not_listened_to(lines: list[str]) -> None:
    claims = [*lines, "X-Forwarded-Proto: https", "X-Forwarded-Host: other.example"]

    assert sender(*claims, peer=CLIENT) == RemoteAddress(
        (CLIENT,), b"http", b"service.example", by_proxy=False
    )
    assert sender(*claims, trusted=TrustedProxies("")).chain == (PROXY,)


UNCLEAR = {
    "no address": "X-Forwarded-For: unknown",
    "a name": "X-Forwarded-For: client.example",
    "a proxy that hides it": f"X-Forwarded-For: {CLIENT}, unix:",
    "an address of thousands of digits": f"X-Forwarded-For: {'1' * 8000}",
    "an address that is none": "X-Forwarded-For: 203.0.113.256",
    "octal": "X-Forwarded-For: 203.0.113.010",
    "IPv6 with a port, without brackets": "X-Forwarded-For: 2001:db8:0:0:0:0:0:1:443",
    "a zone": "X-Forwarded-For: fe80::1%eth0",
    "two in one": f"X-Forwarded-For: {CLIENT} 10.0.0.5",
    "RFC 7239: unknown": "Forwarded: for=unknown",
    "RFC 7239: hidden": f"Forwarded: for={CLIENT}, for=_gazonk",
    "RFC 7239: for nobody": f"Forwarded: for={CLIENT}, proto=http",
    "RFC 7239: malformed": f'Forwarded: for="x, for={CLIENT}',
    "RFC 7239: IPv6 without quotes": "Forwarded: for=[2001:db8::1]",
    "a scheme that is none": "X-Forwarded-Proto: javascript",
    "RFC 7239: a scheme that is none": f"Forwarded: for={CLIENT};proto=ftp",
    "a host that is none": "X-Forwarded-Host: a/b",
    "RFC 7239: a host that is none": f'Forwarded: for={CLIENT};host=""',
}


@pytest.mark.parametrize("line", UNCLEAR.values(), ids=UNCLEAR)
def test_what_a_trusted_proxy_says_must_be_clear(line: str) -> None:
    with pytest.raises(ForwardedError):
        sender(line)


DISAGREEING = [
    (f"X-Forwarded-For: {CLIENT}", "Forwarded: for=1.1.1.1"),
    (f"X-Forwarded-For: {CLIENT}, 10.0.0.5", "Forwarded: for=10.0.0.5"),
    ("X-Forwarded-Proto: http", f"Forwarded: for={CLIENT};proto=https"),
    ("X-Forwarded-Host: a.example", f"Forwarded: for={CLIENT};host=b.example"),
]


@pytest.mark.parametrize("lines", DISAGREEING)
def test_two_ways_of_telling_must_tell_the_same(lines: tuple[str, str]) -> None:
    with pytest.raises(ForwardedError):
        sender(*lines)


SCHEMES: dict[str, tuple[list[str], bytes]] = {
    "one": (["X-Forwarded-Proto: HTTPS"], b"https"),
    "of a WebSocket": (["X-Forwarded-Proto: wss"], b"https"),
    "one behind two proxies": (
        [f"X-Forwarded-For: {CLIENT}, 10.0.0.5", "X-Forwarded-Proto: https"],
        b"https",
    ),
    "at the client's place": (
        [f"X-Forwarded-For: 1.1.1.1, {CLIENT}, 10.0.0.5", "X-Forwarded-Proto: http, https, http"],
        b"https",
    ),
    "RFC 7239, at the client's place": (
        [f"Forwarded: for=1.1.1.1;proto=http, for={CLIENT};proto=https, for=10.0.0.5;proto=http"],
        b"https",
    ),
    "not said": ([f"Forwarded: for={CLIENT}, for=10.0.0.5;proto=https"], b"http"),
    "both, agreeing": (["X-Forwarded-Proto: https", f"Forwarded: for={CLIENT};proto=Https"], b"https"),
}


@pytest.mark.parametrize(("lines", "scheme"), SCHEMES.values(), ids=SCHEMES)
def test_a_trusted_proxy_says_by_which_scheme_the_client_came(lines: list[str], scheme: bytes) -> None:
    assert sender(*lines).scheme == scheme


def test_without_its_word_the_scheme_is_that_of_the_connection() -> None:
    assert sender(scheme=b"https").scheme == b"https"


@pytest.mark.parametrize(
    "line", ["X-Forwarded-Host: Shop.example:8443", f'Forwarded: for={CLIENT};host="Shop.example:8443"']
)
def test_a_trusted_proxy_says_for_which_host_the_client_asked(line: str) -> None:
    assert sender(line).host == b"Shop.example:8443"


def test_a_peer_is_named_alike_however_its_socket_names_it() -> None:
    assert sender(peer=f"::ffff:{PROXY}").chain == (PROXY,)
    assert sender(peer=f"::ffff:{PROXY}").by_proxy
    assert sender(peer="fe80::1%eth0").chain == ("fe80::1",)
    assert sender(peer="unknown").chain == ("unknown",)


def test_the_services_behind_are_told_the_way_from_the_client_on() -> None:
    way = ("2001:db8::1", "10.0.0.5", PROXY)

    assert forwarding_fields(RemoteAddress(way, b"https", b"shop.example:8443", by_proxy=True)) == [
        (b"X-Forwarded-For", b"2001:db8::1, 10.0.0.5, 10.0.0.1"),
        (b"X-Forwarded-Proto", b"https"),
        (b"X-Forwarded-Host", b"shop.example:8443"),
        (
            b"Forwarded",
            b'for="[2001:db8::1]";host="shop.example:8443";proto=https, for=10.0.0.5, for=10.0.0.1',
        ),
    ]


def test_without_a_host_none_is_told() -> None:
    assert forwarding_fields(RemoteAddress((CLIENT,), b"http", b"", by_proxy=False)) == [
        (b"X-Forwarded-For", b"203.0.113.9"),
        (b"X-Forwarded-Proto", b"http"),
        (b"Forwarded", b"for=203.0.113.9;proto=http"),
    ]


said = st.one_of(
    st.ip_addresses().map(str),
    st.sampled_from(
        ["10.0.0.5", "10.0.0.1", "for=10.0.0.5", f"for={CLIENT}", 'for="', "unknown", ",", "%", ""]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12),
)
names = st.sampled_from(["X-Forwarded-For", "x-forwarded-FOR", "Forwarded", "X-Forwarded-Proto"])
claims = st.lists(st.tuples(names, said).map(": ".join), max_size=6)


@given(claims, st.ip_addresses())
def test_an_untrusted_peer_can_never_choose_its_address(
    lines: list[str], peer: IPv4Address | IPv6Address
) -> None:
    if address_of(str(peer)) in TRUSTED:
        return
    assert sender(*lines, peer=str(peer)).chain == (str(address_of(str(peer))),)


appended = st.sampled_from(["X-Forwarded-For", "Forwarded"])


@given(claims, appended, st.booleans(), st.integers(0, 2))
def test_nor_can_one_behind_a_trusted_proxy(lines: list[str], name: str, in_a_line: bool, more: int) -> None:
    """Proxies add to what their clients send, in a line of their own or at the end of the last one."""
    for address in [CLIENT, *["10.0.0.5"] * more]:
        word = address if name != "Forwarded" else f"for={address}"
        mine = [place for place, line in enumerate(lines) if line.lower().startswith(name.lower() + ":")]
        if mine and in_a_line:
            lines = lines.copy()
            lines[mine[-1]] += f", {word}"
        else:
            lines = [*lines, f"{name}: {word}"]
    try:
        found = sender(*lines)
    except ForwardedError:
        return
    assert found.client == CLIENT


@given(claims, st.sampled_from([b"http", b"https"]), st.sampled_from([b"", b"a.example", b"[::1]:80"]))
def test_the_next_node_reads_what_this_one_wrote(lines: list[str], scheme: bytes, host: bytes) -> None:
    try:
        first = sender(*lines, scheme=scheme, host=host)
    except ForwardedError:
        return
    second = resolve_remote(forwarding_fields(first), "10.0.0.2", scheme=b"http", host=b"", trusted=TRUSTED)

    assert second == RemoteAddress((*first.chain, "10.0.0.2"), first.scheme, first.host, by_proxy=True)
