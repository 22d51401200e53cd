"""What becomes of a request that Redis does not answer, by the settings, and what is counted of it."""

from collections.abc import Callable, Sequence

import pytest

from gateway.errors import StoreUnavailable
from gateway.limiter.batch import PendingCheck, Reservation, notify
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.limiter import Limiter, LimiterResult, OnStoreFailure
from gateway.telemetry.counters import Counters
from tests.unit.gateway.limiter.builders import SENT, TEN

AWAY = StoreUnavailable("away")
HITS = (Hit("k", TEN),)
PASSES, REFUSES = (WindowStatus(True, 4, 0.0),), (WindowStatus(False, 0, 1.0),)


class Store:
    """Lets everybody wait, or nobody where Redis is known to be away."""

    def __init__(self) -> None:
        self.is_away = False

    def check(self, hits: Sequence[Hit], on_result: Callable[[PendingCheck], None]) -> PendingCheck:
        if self.is_away:
            raise AWAY
        ask = PendingCheck(hits, SENT, on_result)
        ask.reservation = Reservation.IN_FLIGHT
        return ask


class Fallback:
    """Says what it is told to, and notes what is entered."""

    def __init__(self, statuses: tuple[WindowStatus, ...]) -> None:
        self._statuses = statuses
        self.entered: list[tuple[Sequence[WindowStatus], bool]] = []

    def decide(self, *_: object) -> tuple[WindowStatus, ...]:
        return self._statuses

    def record(self, _: object, statuses: Sequence[WindowStatus], now: float, *, counted: bool) -> None:
        assert now == SENT
        self.entered.append((statuses, counted))


class Nothing:
    """Remembers no refusal."""

    def rejection(self, *_: object) -> None:
        """There is none."""


class Decider:
    """A limiter whose time stands still, and what it told."""

    def __init__(
        self, local: tuple[WindowStatus, ...] = PASSES, on_failure: OnStoreFailure = "local"
    ) -> None:
        self.store, self.fallback, self.counters = Store(), Fallback(local), Counters()
        self.told: list[LimiterResult] = []
        self._limiter = Limiter(
            self.store,
            Nothing(),
            self.fallback,
            self.counters,
            on_failure=on_failure,
            live_nodes=lambda: 1,
            now=lambda: SENT,
        )

    def ask(self) -> tuple[WindowStatus, ...] | PendingCheck | None:
        return self._limiter.check(HITS, self.told.append)

    def answered(self, answer: tuple[WindowStatus, ...] | StoreUnavailable) -> PendingCheck:
        """A request that waited for this."""
        ask = self.ask()
        assert isinstance(ask, PendingCheck)
        ask.result = answer
        notify([ask])
        return ask


@pytest.mark.parametrize("answer", [PASSES, REFUSES])
def test_what_redis_says_is_told_and_counted(answer: tuple[WindowStatus, ...]) -> None:
    decider = Decider()
    decider.answered(answer)
    assert decider.told == [answer]
    assert (decider.counters.store_decisions, decider.counters.store_fallbacks) == (1, 0)
    assert decider.fallback.entered == []


def test_who_passes_while_its_units_are_under_way_is_entered_as_posted() -> None:
    decider = Decider()
    ask = decider.answered(AWAY)
    assert decider.told == [PASSES]
    assert (ask.cancelled, ask.admitted_at) == (True, SENT)
    assert decider.fallback.entered == [(PASSES, True)]
    assert (decider.counters.store_decisions, decider.counters.store_fallbacks) == (0, 1)


def test_who_is_refused_while_its_units_are_under_way_leaves_them_and_is_not_entered() -> None:
    decider = Decider(REFUSES)
    ask = decider.answered(AWAY)
    assert decider.told == [REFUSES]
    assert (ask.cancelled, ask.admitted_at) == (True, None)
    assert decider.fallback.entered == []


def test_who_passes_where_redis_is_known_to_be_away_is_entered_as_not_posted() -> None:
    decider = Decider()
    decider.store.is_away = True
    assert decider.ask() == PASSES
    assert decider.told == []
    assert decider.fallback.entered == [(PASSES, False)]
    assert decider.counters.store_fallbacks == 1


def test_open_lets_everybody_pass_uncounted() -> None:
    decider = Decider(REFUSES, "open")
    assert decider.answered(AWAY).admitted_at == SENT
    decider.store.is_away = True
    assert decider.ask() is None
    assert (decider.told, decider.fallback.entered) == ([None], [])


def test_closed_lets_nobody_pass_and_says_why() -> None:
    decider = Decider(PASSES, "closed")
    assert decider.answered(AWAY).admitted_at is None
    decider.store.is_away = True
    with pytest.raises(StoreUnavailable, match="away"):
        decider.ask()
    assert (decider.told, decider.fallback.entered) == ([AWAY], [])
