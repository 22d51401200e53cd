"""What is asked of the limiter, and what is made of its answer."""

from dataclasses import replace

import pytest

from gateway.access import AccessDeniedError
from gateway.admission import Decision, DecisionUnavailableError
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Overrides
from gateway.contract.routes import Route
from gateway.errors import StoreUnavailable
from gateway.identity import UnauthenticatedError
from gateway.limiter.decision import Hit, WindowStatus
from tests.unit.gateway.desk import ANYBODY, TABLE, admission, request


async def test_all_windows_of_the_client_are_asked_for_at_once() -> None:
    made, limiter = admission(overrides=Overrides(generations={ANYBODY: 3}))

    decision = await made.decide(*request("any-key"))

    assert decision.admitted
    assert limiter.asked == [
        [
            Hit(f"ratelimit:{{{ANYBODY}}}:client:1:3", parse_limits("10/s").windows[0]),
            Hit(f"ratelimit:{{{ANYBODY}}}:client:60:3", parse_limits("500/m").windows[0]),
        ]
    ]


async def test_a_route_is_charged_beside_the_client_at_its_cost() -> None:
    table = replace(TABLE, routes=(Route("search", "/s", (), parse_limits("9/s"), cost=2, shadow=True),))
    made, limiter = admission(table, overrides=Overrides(generations={"acme": 1}))

    await made.decide(*request(target=b"/s/x"))

    assert limiter.asked == [
        [
            Hit("ratelimit:{acme}:client:60:1", parse_limits("5/m").windows[0], 2),
            Hit("ratelimit:{acme}:route/search:1:1", parse_limits("9/s").windows[0], 2, shadow=True),
        ]
    ]


@pytest.mark.parametrize(
    ("peer", "place"),
    [("10.0.0.1", "10.0.0.1"), ("2001:db8::1", "2001:db8::/64"), ("::ffff:10.0.0.1", "10.0.0.1")],
)
async def test_an_unregistered_key_is_charged_to_its_address_too(peer: str, place: str) -> None:
    made, limiter = admission(replace(TABLE, address_limit=parse_limits("7/m")))

    decision = await made.decide(*request("any-key", peer=peer))

    assert limiter.asked[0][-1].key == f"ratelimit:{{{place}}}:address:60:0"
    assert decision.windows[-1].name == "address"


async def test_an_address_is_charged_what_the_request_costs() -> None:
    routes = (Route("search", "/s", (), parse_limits("9/s"), cost=2),)
    made, limiter = admission(replace(TABLE, routes=routes, address_limit=parse_limits("7/m")))

    await made.decide(*request("any-key", target=b"/s/x"))

    assert [hit.cost for hit in limiter.asked[0]] == [2] * 4


async def test_a_registered_key_is_not_charged_to_its_address() -> None:
    made, limiter = admission(replace(TABLE, address_limit=parse_limits("7/m")))

    await made.decide(*request())

    assert [hit.key for hit in limiter.asked[0]] == ["ratelimit:{acme}:client:60:0"]


async def test_one_window_that_refuses_refuses_the_request() -> None:
    made, limiter = admission()
    limiter.refusing = {f"ratelimit:{{{ANYBODY}}}:client:60:0"}

    decision = await made.decide(*request("any-key"))

    assert not decision.admitted
    assert not decision.in_shadow
    assert [status.admitted for status in decision.statuses or ()] == [True, False]


async def test_a_refusal_that_is_remembered_is_told_and_nobody_is_asked() -> None:
    made, limiter = admission()
    limiter.remembered = (WindowStatus(False, 0, 1.0),)

    decision = await made.decide(*request())

    assert (decision.admitted, decision.client, decision.statuses) == (False, "acme", limiter.remembered)
    assert decision.concurrency is None
    assert limiter.asked == []


async def test_a_window_in_shadow_refuses_nobody_and_tells() -> None:
    made, limiter = admission(replace(TABLE, shadow=True))
    limiter.refusing = {"ratelimit:{acme}:client:60:0"}

    decision = await made.decide(*request())

    assert decision.admitted
    assert decision.in_shadow


async def test_a_window_that_refuses_goes_before_one_in_shadow() -> None:
    table = replace(TABLE, routes=(Route("search", "/s", (), parse_limits("9/s"), shadow=True),))
    made, limiter = admission(table)
    limiter.refusing = {"ratelimit:{acme}:client:60:0", "ratelimit:{acme}:route/search:1:0"}

    decision = await made.decide(*request(target=b"/s"))

    assert (decision.admitted, decision.in_shadow) == (False, False)


async def test_what_nobody_counted_is_let_through() -> None:
    made, limiter = admission()
    limiter.counts = False

    decision = await made.decide(*request())

    assert (decision.admitted, decision.statuses, decision.in_shadow) == (True, None, False)


async def test_shadow_lets_through_also_where_nobody_passes_without_redis() -> None:
    made, limiter = admission(replace(TABLE, shadow=True))
    limiter.error = StoreUnavailable("away")

    assert (await made.decide(*request())).admitted

    mixed = replace(TABLE, routes=(Route("search", "/", (), parse_limits("9/s"), shadow=True),))
    made, limiter = admission(mixed)
    limiter.error = StoreUnavailable("away")
    with pytest.raises(DecisionUnavailableError) as undecided:
        await made.decide(*request())
    assert undecided.value.client == "acme"


async def test_an_exempt_request_needs_no_key_and_is_not_counted() -> None:
    made, limiter = admission(exempt="GET /health")

    assert await made.decide(*request(None, b"/health")) == Decision(True)
    with pytest.raises(UnauthenticatedError):
        await made.decide(*request(None, b"/x/../health"))
    assert limiter.asked == []


@pytest.mark.parametrize("allow", ["acme", "10.0.0.0/8"])
async def test_who_is_allowed_is_identified_and_not_counted(allow: str) -> None:
    made, limiter = admission(replace(TABLE, default_concurrency=1), allow=allow)

    for _ in range(3):
        assert await made.decide(*request()) == Decision(True, "acme")
    with pytest.raises(UnauthenticatedError):
        await made.decide(*request(None))
    assert limiter.asked == []
    assert len(made.in_flight) == 0


@pytest.mark.parametrize("allow", ["", "acme", "10.0.0.0/8"])
async def test_who_is_denied_is_refused_also_where_it_is_allowed(allow: str) -> None:
    made, limiter = admission(deny="acme", allow=allow)

    with pytest.raises(AccessDeniedError) as denied:
        await made.decide(*request())
    assert denied.value.client == "acme"
    assert limiter.asked == []
    assert (await made.decide(*request("any-key"))).admitted


@pytest.mark.parametrize("peer", ["10.9.9.9", "::ffff:10.0.0.1", "2001:db8::5"])
@pytest.mark.parametrize("key", ["acme-key", None])
async def test_a_denied_address_is_refused_before_anything_else_is_asked(peer: str, key: str | None) -> None:
    made, _ = admission(deny="10.0.0.0/8, 2001:db8::/32", exempt="/health")

    for target in (b"/", b"/health"):
        with pytest.raises(AccessDeniedError) as denied:
            await made.decide(*request(key, target, peer))
        assert denied.value.client is None


async def test_who_has_no_address_is_nobody_where_addresses_decide() -> None:
    made, _ = admission(deny="192.0.2.0/24")

    with pytest.raises(AccessDeniedError):
        await made.decide(*request(peer="unknown"))
