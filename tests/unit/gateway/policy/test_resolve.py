"""What requests are charged is remembered of so many clients, and no longer than it holds."""

from collections.abc import Callable

import pytest

from gateway.contract.clients import Clients
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import PolicyTable
from gateway.identity import Credential, Identity
from gateway.policy.resolve import (
    MAX_CACHED,
    NO_ROUTE,
    LimitTable,
    ResolvedLimits,
    ResolvedLimitsCache,
    RouteMatch,
)

ANYBODY = Identity(Clients({}, {}, {}), accepts_unknown=True, secret="secret")
METERS = LimitTable(PolicyTable(parse_limits("100/m"), "accept", "local", {}, {}))
UNCHANGED = Overrides()


def test_as_many_clients_as_there_is_room_for_are_each_remembered_by_their_key() -> None:
    bills = ResolvedLimitsCache()
    made = [bills.of_key(f"key-{n}", ANYBODY, METERS, UNCHANGED, 0.0) for n in range(MAX_CACHED)]

    again = [bills.of_key(f"key-{n}", ANYBODY, METERS, UNCHANGED, 0.0) for n in range(MAX_CACHED)]

    assert all(bill is before for bill, before in zip(again, made, strict=True))
    assert len(bills) == MAX_CACHED


def test_beyond_that_all_are_made_anew() -> None:
    bills = ResolvedLimitsCache()
    for n in range(MAX_CACHED + 1):
        bills.of_key(f"key-{n}", ANYBODY, METERS, UNCHANGED, 0.0)

    assert len(bills) == 1


def test_what_a_route_adds_is_remembered_beside_what_the_client_has_without() -> None:
    bills, dear = ResolvedLimitsCache(), RouteMatch(cost=5)
    plain, routed = (bills.of("acme", passage, METERS, UNCHANGED) for passage in (NO_ROUTE, dear))

    assert (plain.cost, routed.cost) == (1, 5)
    assert bills.of("acme", NO_ROUTE, METERS, UNCHANGED) is plain
    assert bills.of("acme", dear, METERS, UNCHANGED) is routed


def by_key(bills: ResolvedLimitsCache, meters: LimitTable, overrides: Overrides) -> ResolvedLimits:
    return bills.of_key("a-key", ANYBODY, meters, overrides, 0.0)


def by_client(bills: ResolvedLimitsCache, meters: LimitTable, overrides: Overrides) -> ResolvedLimits:
    return bills.of(ANYBODY.authenticate("a-key", None).client, NO_ROUTE, meters, overrides)


REMEMBERED = pytest.mark.parametrize("bill", [by_key, by_client])


@REMEMBERED
def test_nothing_is_remembered_beyond_a_live_change(
    bill: Callable[[ResolvedLimitsCache, LimitTable, Overrides], ResolvedLimits],
) -> None:
    bills = ResolvedLimitsCache()
    before = bill(bills, METERS, UNCHANGED)

    after = bill(bills, METERS, Overrides(generations={before.client: 1}))

    assert after.client == before.client
    assert after.hits[0].key != before.hits[0].key
    assert len(bills) == 1


@REMEMBERED
def test_nothing_is_remembered_beyond_a_reload(
    bill: Callable[[ResolvedLimitsCache, LimitTable, Overrides], ResolvedLimits],
) -> None:
    bills = ResolvedLimitsCache()
    before = bill(bills, METERS, UNCHANGED)

    after = bill(bills, LimitTable(PolicyTable(parse_limits("7/m"), "accept", "local", {}, {})), UNCHANGED)

    assert [one.hits[0].limit.quota for one in (before, after)] == [100, 7]
    assert len(bills) == 1


@pytest.mark.source
def test_an_expired_credential_is_identified_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def expires(_: Identity, key: str, address: object) -> Credential:
        del key, address
        return Credential("acme", valid_until=100.0)

    monkeypatch.setattr(Identity, "authenticate", expires)
    cache = ResolvedLimitsCache()
    assert cache.of_key("k", ANYBODY, METERS, UNCHANGED, 99.9).client == "acme"

    monkeypatch.undo()

    assert cache.of_key("k", ANYBODY, METERS, UNCHANGED, 99.9).client == "acme"
    assert cache.of_key("k", ANYBODY, METERS, UNCHANGED, 100.0).client != "acme"
