"""What is asked of the limiter, and what is made of its answer; the limiter itself is stood in for."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import pytest

from gateway.access import AccessList, Denied
from gateway.admission import Admission
from gateway.contract.client_id import key_digest, unknown_client_id
from gateway.contract.clients import Clients
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Overrides
from gateway.contract.policy_table import ClientPolicy, PolicyTable
from gateway.contract.routes import Route
from gateway.decisions import Decision, LeftDecided, Undecided
from gateway.errors import StoreUnavailable
from gateway.exempt import Exempt
from gateway.fields import Field
from gateway.identity import Identity, Unidentified
from gateway.in_flight import InFlight
from gateway.limiter.ask import Ask, tell
from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing
from gateway.limiter.limiter import Limiter, Told
from gateway.meters import Meters
from gateway.overrides import LiveOverrides
from gateway.policies import Policies
from gateway.routing import Ambiguous, Routing

TABLE = PolicyTable(
    parse_limits("10/s,500/m"),
    "accept",
    "local",
    {},
    {"acme": ClientPolicy(limit=parse_limits("5/m"))},
)
ANYBODY = unknown_client_id("any-key", "secret")


class Answers:
    """Says what it is told to, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Sequence[Charge]] = []
        self.refusing: set[str] = set()
        self.error: BaseException | None = None
        self.counts = True
        self.answers = True

    def ask(self, charges: Sequence[Charge], on_decided: Callable[[Told], None]) -> Ask:
        self.asked.append(list(charges))
        if self.error is not None:
            raise self.error
        asked = Ask(charges, 0.0, lambda _: on_decided(self._standings(charges)), answer=())
        if self.answers:
            asyncio.get_running_loop().call_soon(tell, [asked])
        return asked

    def recall(self, charges: Sequence[Charge]) -> None:
        """It remembers nothing."""

    def _standings(self, charges: Sequence[Charge]) -> Told:
        if not self.counts:
            return None
        return tuple(Standing(charge.key not in self.refusing, 1, 1.0) for charge in charges)


class Fixed(LiveOverrides):
    """Overrides that do not change."""

    def __init__(self, overrides: Overrides) -> None:
        self._fixed = overrides

    @property
    def current(self) -> Overrides:
        return self._fixed


class Asked(NamedTuple):
    """A request, as far as routes look at it."""

    method: str
    host: bytes
    target: bytes


class Desk:
    """An admission, and the policies that it decides by."""

    def __init__(self, policies: Policies, overrides: LiveOverrides, limiter: Limiter | Answers) -> None:
        self._policies = policies
        self.in_flight = InFlight()
        self._admission = Admission(overrides, limiter, self.in_flight)
        self.close = self._admission.close

    async def decide(
        self, method: str, host: bytes, target: bytes, headers: list[Field], peer: str
    ) -> Decision:
        return await self._admission.decide(self._policies, Asked(method, host, target), headers, peer)


def admission(
    table: PolicyTable = TABLE,
    *,
    exempt: str = "",
    allow: str = "",
    deny: str = "",
    overrides: Overrides | None = None,
) -> tuple[Desk, Answers]:
    limiter = Answers()
    clients = Clients({}, table.clients, {key_digest("acme-key"): "acme"})
    policies = Policies(
        table,
        Identity(clients, accepts_unknown=True, secret="secret"),
        Meters(table),
        Routing(table),
        Exempt(exempt),
        AccessList(allow),
        AccessList(deny),
        {},
    )
    return Desk(policies, Fixed(overrides or Overrides()), limiter), limiter


def request(
    key: str | None = "acme-key",
    target: bytes = b"/",
    peer: str = "10.0.0.1",
    host: bytes = b"api.example",
    method: str = "GET",
) -> tuple[str, bytes, bytes, list[Field], str]:
    return method, host, target, [] if key is None else [(b"X-API-Key", key.encode())], peer


async def test_all_windows_of_the_client_are_asked_for_at_once() -> None:
    made, limiter = admission(overrides=Overrides(generations={ANYBODY: 3}))

    decision = await made.decide(*request("any-key"))

    assert decision.admitted
    assert limiter.asked == [
        [
            Charge(f"ratelimit:{{{ANYBODY}}}:client:1:3", parse_limits("10/s").windows[0]),
            Charge(f"ratelimit:{{{ANYBODY}}}:client:60:3", parse_limits("500/m").windows[0]),
        ]
    ]


async def test_a_route_is_charged_beside_the_client_at_its_cost() -> None:
    table = replace(TABLE, routes=(Route("search", "/s", (), parse_limits("9/s"), cost=2, shadow=True),))
    made, limiter = admission(table, overrides=Overrides(generations={"acme": 1}))

    await made.decide(*request(target=b"/s/x"))

    assert limiter.asked == [
        [
            Charge("ratelimit:{acme}:client:60:1", parse_limits("5/m").windows[0], 2),
            Charge("ratelimit:{acme}:route/search:1:1", parse_limits("9/s").windows[0], 2, shadow=True),
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
    assert decision.meters[-1].name == "address"


async def test_a_registered_key_is_not_charged_to_its_address() -> None:
    made, limiter = admission(replace(TABLE, address_limit=parse_limits("7/m")))

    await made.decide(*request())

    assert [charge.key for charge in limiter.asked[0]] == ["ratelimit:{acme}:client:60:0"]


async def test_one_window_that_refuses_refuses_the_request() -> None:
    made, limiter = admission()
    limiter.refusing = {f"ratelimit:{{{ANYBODY}}}:client:60:0"}

    decision = await made.decide(*request("any-key"))

    assert not decision.admitted
    assert not decision.in_shadow
    assert [standing.admitted for standing in decision.standings or ()] == [True, False]


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

    assert (decision.admitted, decision.standings, decision.in_shadow) == (True, None, False)


async def test_shadow_lets_through_also_where_nobody_passes_without_redis() -> None:
    made, limiter = admission(replace(TABLE, shadow=True))
    limiter.error = StoreUnavailable("away")

    assert (await made.decide(*request())).admitted

    mixed = replace(TABLE, routes=(Route("search", "/", (), parse_limits("9/s"), shadow=True),))
    made, limiter = admission(mixed)
    limiter.error = StoreUnavailable("away")
    with pytest.raises(Undecided) as undecided:
        await made.decide(*request())
    assert undecided.value.client == "acme"


async def test_an_exempt_request_needs_no_key_and_is_not_counted() -> None:
    made, limiter = admission(exempt="GET /health")

    assert await made.decide(*request(None, b"/health")) == Decision(True)
    with pytest.raises(Unidentified):
        await made.decide(*request(None, b"/x/../health"))
    assert limiter.asked == []


@pytest.mark.parametrize("allow", ["acme", "10.0.0.0/8"])
async def test_who_is_allowed_is_identified_and_not_counted(allow: str) -> None:
    made, limiter = admission(replace(TABLE, default_concurrency=1), allow=allow)

    for _ in range(3):
        assert await made.decide(*request()) == Decision(True, "acme")
    with pytest.raises(Unidentified):
        await made.decide(*request(None))
    assert limiter.asked == []
    assert len(made.in_flight) == 0


@pytest.mark.parametrize("allow", ["", "acme", "10.0.0.0/8"])
async def test_who_is_denied_is_refused_also_where_it_is_allowed(allow: str) -> None:
    made, limiter = admission(deny="acme", allow=allow)

    with pytest.raises(Denied) as denied:
        await made.decide(*request())
    assert denied.value.client == "acme"
    assert limiter.asked == []
    assert (await made.decide(*request("any-key"))).admitted


@pytest.mark.parametrize("peer", ["10.9.9.9", "::ffff:10.0.0.1", "2001:db8::5"])
@pytest.mark.parametrize("key", ["acme-key", None])
async def test_a_denied_address_is_refused_before_anything_else_is_asked(peer: str, key: str | None) -> None:
    made, _ = admission(deny="10.0.0.0/8, 2001:db8::/32", exempt="/health")

    for target in (b"/", b"/health"):
        with pytest.raises(Denied) as denied:
            await made.decide(*request(key, target, peer))
        assert denied.value.client is None


CROWDED = replace(TABLE, default_concurrency=2)


async def test_who_has_no_address_is_nobody_where_addresses_decide() -> None:
    made, _ = admission(deny="192.0.2.0/24")

    with pytest.raises(Denied):
        await made.decide(*request(peer="unknown"))


async def test_no_more_of_a_client_are_in_flight_than_may_be_and_others_do_not_matter() -> None:
    made, limiter = admission(CROWDED)
    first, second = [await made.decide(*request()) for _ in range(2)]

    third = await made.decide(*request())

    assert (first.admitted, second.admitted, third.admitted) == (True, True, False)
    assert third.standings is None
    assert len(limiter.asked) == 2
    assert (await made.decide(*request("any-key"))).admitted

    made.close(third)
    fourth = await made.decide(*request())
    assert not fourth.admitted

    made.close(fourth)
    made.close(first)
    assert (await made.decide(*request())).admitted


async def test_a_place_is_given_back_when_the_limiter_fails_or_is_cancelled() -> None:
    made, limiter = admission(CROWDED)
    errors: list[Any] = [StoreUnavailable("away"), asyncio.CancelledError(), RuntimeError("a fault of ours")]
    for limiter.error in errors:
        with pytest.raises(type(limiter.error)):
            await made.decide(*request())
    assert len(made.in_flight) == 0


async def test_a_client_that_leaves_while_it_is_decided_about_gives_its_place_back() -> None:
    made, limiter = admission(CROWDED)
    limiter.answers = False
    task = asyncio.create_task(made.decide(*request()))
    await asyncio.sleep(0)
    assert len(made.in_flight) == 1
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert len(made.in_flight) == 0


@pytest.mark.parametrize("turns", [1, 2], ids=["before the decision is told", "behind it"])
async def test_a_client_that_leaves_as_it_is_decided_about_leaves_its_decision(turns: int) -> None:
    made, _ = admission(CROWDED)
    left: list[LeftDecided] = []

    async def ask() -> None:
        try:
            await made.decide(*request())
        except LeftDecided as reason:
            left.append(reason)
            raise

    task = asyncio.create_task(ask())
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    made.close(left[0].decision)
    assert (left[0].decision.admitted, len(made.in_flight)) == (True, 0)


async def test_too_many_in_flight_in_shadow_are_let_through_and_told() -> None:
    made, limiter = admission(replace(CROWDED, shadow=True))
    decisions = [await made.decide(*request()) for _ in range(3)]

    assert [decision.admitted for decision in decisions] == [True] * 3
    assert [decision.in_shadow for decision in decisions] == [False, False, True]
    assert len(limiter.asked) == 3
    for decision in decisions:
        made.close(decision)
    assert len(made.in_flight) == 0


LED = replace(
    TABLE,
    routes=(
        Route("search", "/s", (), parse_limits("9/s"), host="api.example", upstream="search"),
        Route("assets", "/a", upstream="assets"),
        Route("costly", "/c", cost=2),
    ),
    default_concurrency=1,
)


@pytest.mark.parametrize(
    ("target", "host", "upstream"),
    [
        (b"/s/x", b"api.example", "search"),
        (b"/s", b"API.example:8080", "search"),
        (b"/s", b"www.example", ""),
        (b"/a", b"www.example", "assets"),
        (b"/c", b"api.example", ""),
        (b"/", b"api.example", ""),
    ],
)
@pytest.mark.parametrize("options", [{}, {"allow": "acme"}, {"exempt": "GET"}])
async def test_the_route_says_which_upstream_it_goes_to_counted_or_not(
    options: dict[str, Any], target: bytes, host: bytes, upstream: str
) -> None:
    made, _ = admission(LED, **options)

    assert (await made.decide(*request(target=target, host=host))).upstream == upstream


@pytest.mark.parametrize("options", [{}, {"allow": "acme"}, {"exempt": "GET"}])
async def test_what_could_belong_to_two_upstreams_is_refused_before_it_costs_anything(
    options: dict[str, Any],
) -> None:
    made, limiter = admission(LED, **options)

    with pytest.raises(Ambiguous):
        await made.decide(*request(target=b"/c/..%2fs"))
    assert limiter.asked == []
    assert len(made.in_flight) == 0


async def test_who_may_not_come_in_is_not_told_where_a_path_leads() -> None:
    made, _ = admission(LED, deny="acme")

    for key, error in (("acme-key", Denied), (None, Unidentified)):
        with pytest.raises(error):
            await made.decide(*request(key, b"/c/..%2fs"))
