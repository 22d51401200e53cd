"""What requests are charged is remembered of so many clients, and no longer than it holds."""

from collections.abc import Callable

import pytest

from gateway.bills import MAX_BILLS, Bill, Bills
from gateway.contract.clients import Clients
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import PolicyTable
from gateway.identity import Identity
from gateway.meters import Meters
from gateway.routing import UNROUTED, Passage

ANYBODY = Identity(Clients({}, {}, {}), accepts_unknown=True, secret="secret")
METERS = Meters(PolicyTable(parse_limits("100/m"), "accept", "local", {}, {}))
UNCHANGED = Overrides()


def test_as_many_clients_as_there_is_room_for_are_each_remembered_by_their_key() -> None:
    bills = Bills()
    made = [bills.of_key(f"key-{n}", ANYBODY, METERS, UNCHANGED) for n in range(MAX_BILLS)]

    again = [bills.of_key(f"key-{n}", ANYBODY, METERS, UNCHANGED) for n in range(MAX_BILLS)]

    assert all(bill is before for bill, before in zip(again, made, strict=True))
    assert len(bills) == MAX_BILLS


def test_beyond_that_all_are_made_anew() -> None:
    bills = Bills()
    for n in range(MAX_BILLS + 1):
        bills.of_key(f"key-{n}", ANYBODY, METERS, UNCHANGED)

    assert len(bills) == 1


def test_what_a_route_adds_is_remembered_beside_what_the_client_has_without() -> None:
    bills, dear = Bills(), Passage(cost=5)
    plain, routed = (bills.of("acme", passage, METERS, UNCHANGED) for passage in (UNROUTED, dear))

    assert (plain.cost, routed.cost) == (1, 5)
    assert bills.of("acme", UNROUTED, METERS, UNCHANGED) is plain
    assert bills.of("acme", dear, METERS, UNCHANGED) is routed


def by_key(bills: Bills, meters: Meters, overrides: Overrides) -> Bill:
    return bills.of_key("a-key", ANYBODY, meters, overrides)


def by_client(bills: Bills, meters: Meters, overrides: Overrides) -> Bill:
    return bills.of(ANYBODY.client_of("a-key", None), UNROUTED, meters, overrides)


REMEMBERED = pytest.mark.parametrize("bill", [by_key, by_client])


@REMEMBERED
def test_nothing_is_remembered_beyond_a_live_change(bill: Callable[[Bills, Meters, Overrides], Bill]) -> None:
    bills = Bills()
    before = bill(bills, METERS, UNCHANGED)

    after = bill(bills, METERS, Overrides(generations={before.client: 1}))

    assert after.client == before.client
    assert after.charges[0].key != before.charges[0].key
    assert len(bills) == 1


@REMEMBERED
def test_nothing_is_remembered_beyond_a_reload(bill: Callable[[Bills, Meters, Overrides], Bill]) -> None:
    bills = Bills()
    before = bill(bills, METERS, UNCHANGED)

    after = bill(bills, Meters(PolicyTable(parse_limits("7/m"), "accept", "local", {}, {})), UNCHANGED)

    assert [one.charges[0].limit.quota for one in (before, after)] == [100, 7]
    assert len(bills) == 1
