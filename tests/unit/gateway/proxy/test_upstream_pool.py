import ssl

import pytest

from gateway.contract.routes import DEFAULT_UPSTREAM as DEFAULT
from gateway.proxy.upstream_pool import Upstream, Upstreams

A, B, C = "http://a:1", "http://b:2", "https://c:3"


@pytest.fixture
def upstreams() -> Upstreams:
    urls = {DEFAULT: [A, B], "search": [B, C]}
    return Upstreams(urls, ssl.create_default_context(), max_connections=4, idle_seconds=4.0)


@pytest.fixture
def upstream(upstreams: Upstreams) -> Upstream:
    return upstreams.current[DEFAULT]


def picked(upstream: Upstream, times: int, now: float = 0.0) -> list[str]:
    found = []
    for _ in range(times):
        address = upstream.pick(now)
        if address is not None:
            upstream.acquire(address)
            address.active -= 1
            found.append(address.url)
    return found


def test_idle_addresses_take_turns(upstream: Upstream) -> None:
    assert picked(upstream, 4) == [A, B, A, B]


def test_the_least_busy_address_is_first(upstream: Upstream) -> None:
    upstream.addresses[0].active = 2
    upstream.addresses[1].active = 1

    assert picked(upstream, 3) == [B, B, B]


def test_one_that_failed_is_left_out_for_a_while(upstream: Upstream) -> None:
    upstream.addresses[0].ejection.failed(10.0)

    assert picked(upstream, 3, 10.0) == [B, B, B]
    assert A in picked(upstream, 2, 20.0)


def test_where_all_have_failed_the_one_that_did_longest_ago_is_tried(upstream: Upstream) -> None:
    upstream.addresses[1].ejection.failed(10.0)
    upstream.addresses[0].ejection.failed(10.1)

    assert picked(upstream, 2, 10.2) == [B, B]


def test_no_address_is_tried_twice_with_a_request(upstream: Upstream) -> None:
    first, second = upstream.addresses

    assert upstream.pick(0.0, [first]) is second
    assert upstream.pick(0.0, [first, second]) is None


def test_an_address_that_several_name_is_one(upstreams: Upstreams) -> None:
    assert upstreams.current[DEFAULT].addresses[1] is upstreams.current["search"].addresses[0]
    assert {address.url for address in upstreams.addresses} == {A, B, C}


def test_loading_keeps_the_addresses_that_stay(upstreams: Upstreams) -> None:
    first, second = upstreams.current[DEFAULT].addresses
    second.ejection.failed(10.0)
    upstreams.load({DEFAULT: [B], "other": [C]})

    assert upstreams.current[DEFAULT].addresses == (second,)
    assert upstreams.current[DEFAULT].addresses[0].ejection.failed_at == 10.0
    assert first not in upstreams.addresses
    assert "search" not in upstreams.current


def test_who_has_looked_before_a_load_still_finds_what_was_there(upstreams: Upstreams) -> None:
    before = upstreams.current
    upstreams.load({DEFAULT: [A]})

    assert [address.url for address in before["search"].addresses] == [B, C]


def test_its_authority_is_that_of_the_first_address(upstream: Upstream) -> None:
    assert upstream.authority == b"a:1"
