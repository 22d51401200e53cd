"""The limiter with one rule left out at a time, by one function of the real code."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.contract import window
from gateway.limiter import decision
from gateway.limiter.batch import Batch, PendingCheck, Refunds
from gateway.limiter.connection import RespProtocol
from gateway.limiter.fallback import Backlog, Fallback
from gateway.limiter.frame import Command, pack
from gateway.limiter.store import Batcher, Store
from gateway.limiter.window_cache import CachedWindow, HashSnapshot
from tests.unit.gateway.limiter.pipelines import commands

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is left out, where that shows best, and by which invariant."""

    name: str
    patch: Patch
    family: str
    invariant: str


def _no_check_against_e(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(decision, "stamp_error", lambda *_: 0)


def _no_2e_in_the_tail(patch: pytest.MonkeyPatch) -> None:
    def oldest_counted(at: int, period_seconds: int) -> int:
        return window.sub_interval(at - period_seconds * window.MICROSECONDS, period_seconds)

    patch.setattr(window, "oldest_counted", oldest_counted)


def _b_fields(patch: pytest.MonkeyPatch) -> None:
    oldest_counted = window.oldest_counted
    patch.setattr(window, "oldest_counted", lambda at, period: oldest_counted(at, period) + 1)


def _next_not_read(patch: pytest.MonkeyPatch) -> None:
    load, load_open = CachedWindow.load, CachedWindow.load_open

    def load_without(cached: CachedWindow, snapshot: HashSnapshot, *args: Any) -> None:
        load(cached, replace(snapshot, following=0), *args)

    patch.setattr(CachedWindow, "load", load_without)
    patch.setattr(
        CachedWindow, "load_open", lambda cached, previous, own, _: load_open(cached, previous, own, 0)
    )


def _previous_not_read(patch: pytest.MonkeyPatch) -> None:
    load_open = CachedWindow.load_open
    patch.setattr(
        CachedWindow, "load_open", lambda cached, _, own, following: load_open(cached, 0, own, following)
    )


def _closed_since_not_read(patch: pytest.MonkeyPatch) -> None:
    advance = CachedWindow.advance
    patch.setattr(
        CachedWindow,
        "advance",
        lambda cached, number, closed, at: advance(cached, number, [0] * len(closed), at),
    )


def _no_refund(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Refunds, "refund", lambda *_: None)


def _refund_after_a_reset(patch: pytest.MonkeyPatch) -> None:
    newest: dict[str, int] = {}
    init, refund = Batch.__init__, Refunds.refund

    def seen(batch: Batch, checks: Sequence[Any], *args: Any, **kwargs: Any) -> None:
        for check in checks:
            for hit in check.hits:
                name, _, generation = hit.key.rpartition(":")
                newest[name] = max(newest.get(name, 0), int(generation))
        init(batch, checks, *args, **kwargs)

    def to_the_newest(corrections: Refunds, key: str, *args: Any) -> None:
        name = key.rpartition(":")[0]
        refund(corrections, f"{name}:{newest[name]}", *args)

    patch.setattr(Batch, "__init__", seen)
    patch.setattr(Refunds, "refund", to_the_newest)


def _refund_after_a_reconnect(patch: pytest.MonkeyPatch) -> None:
    last: dict[Store, Refunds] = {}
    init = Batcher.__init__

    def inherit(batcher: Batcher, store: Store) -> None:
        init(batcher, store)
        if store in last:
            batcher._refunds._by_key = last[store]._by_key
        last[store] = batcher._refunds

    patch.setattr(Batcher, "__init__", inherit)


def _deletion_at_the_tail(patch: pytest.MonkeyPatch) -> None:
    def oldest_kept(at: int, period_seconds: int) -> int:
        return window.sub_interval(at - period_seconds * window.MICROSECONDS, period_seconds) + 1

    patch.setattr(window, "oldest_kept", oldest_kept)


def _expiry_not_renewed(patch: pytest.MonkeyPatch) -> None:
    send = RespProtocol.send
    expires: dict[tuple[RespProtocol, Any], float] = {}

    def with_what_is_left(wire: RespProtocol, command: Command) -> Command:
        if command[0] != "PEXPIRE":
            return command
        now, lifetime = asyncio.get_running_loop().time(), int(command[2]) / 1000
        left = expires.get((wire, command[1]), 0.0) - now
        if left <= 0:
            left = lifetime
            expires[wire, command[1]] = now + lifetime
        return ("PEXPIRE", command[1], max(1, int(left * 1000)))

    def not_renewing(wire: RespProtocol, data: bytes) -> None:
        send(wire, b"".join(pack(with_what_is_left(wire, command)) for command in commands(data)))

    patch.setattr(RespProtocol, "send", not_renewing)


def _expiry_not_renewed_first(patch: pytest.MonkeyPatch) -> None:
    send = RespProtocol.send

    def only_after(wire: RespProtocol, data: bytes) -> None:
        sent = commands(data)
        pairs = zip(sent, [*sent[1:], ("",)], strict=True)
        left = [
            ("PTTL", command[1]) if command[0] == "PEXPIRE" and following[0] == "HINCRBY" else command
            for command, following in pairs
        ]
        send(wire, b"".join(map(pack, left)))

    patch.setattr(RespProtocol, "send", only_after)


def _denial_outlives_a_raise(patch: pytest.MonkeyPatch) -> None:
    def denies(cached: CachedWindow, _: int, cost: int, now: float) -> bool:
        return now < cached.denied_until and cost >= cached._denied_cost

    patch.setattr(CachedWindow, "denies", denies)


def _denial_for_long(patch: pytest.MonkeyPatch) -> None:
    deny = CachedWindow.deny

    def for_a_period(cached: CachedWindow, *args: Any) -> None:
        deny(cached, *args)
        cached.denied_until += cached.period_seconds

    patch.setattr(CachedWindow, "deny", for_a_period)


def _nobody_is_told(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(PendingCheck, "fail", lambda *_: None)


def _no_deadline(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Batcher, "_set_deadline_timer", lambda *_: None)


def _posted_again(patch: pytest.MonkeyPatch) -> None:
    take = Backlog.take

    def twice(backlog: Backlog, *args: Any) -> Any:
        taken = take(backlog, *args)
        return taken + taken

    patch.setattr(Backlog, "take", twice)


def _never_posted(patch: pytest.MonkeyPatch) -> None:
    take = Backlog.take

    def lose(backlog: Backlog, *args: Any) -> Any:
        take(backlog, *args)
        return []

    patch.setattr(Backlog, "take", lose)


def _whole_limit_each(patch: pytest.MonkeyPatch) -> None:
    decide = Fallback.decide
    patch.setattr(Fallback, "decide", lambda self, hits, _, now: decide(self, hits, 1, now))


def _given_back_twice(patch: pytest.MonkeyPatch) -> None:
    refund = Refunds.refund

    def twice(corrections: Refunds, key: str, period: int, number: int, units: int) -> None:
        refund(corrections, key, period, number, 2 * units)

    patch.setattr(Refunds, "refund", twice)


MUTATIONS = (
    Mutation("no check against E", _no_check_against_e, "late", "more than the limit"),
    Mutation("no 2E in the tail", _no_2e_in_the_tail, "borders", "more than the limit"),
    Mutation("i+1 not read", _next_not_read, "crossing", "more than the limit"),
    Mutation("i-1 not read", _previous_not_read, "stream", "more than the limit"),
    Mutation("what was closed since is not read", _closed_since_not_read, "hammer", "more than the limit"),
    Mutation("B fields instead of B+1", _b_fields, "borders", "more than the limit"),
    Mutation("no refund", _no_refund, "edges", "never given back"),
    Mutation("a refund after a reset", _refund_after_a_reset, "changes", "given back what is not there"),
    Mutation("a refund after a reconnect", _refund_after_a_reconnect, "cuts", "given back what is not there"),
    Mutation("given back twice", _given_back_twice, "edges", "given back what is not there"),
    Mutation("deletion at the tail", _deletion_at_the_tail, "hammer", "deleted what counts"),
    Mutation("expiry not renewed", _expiry_not_renewed, "hammer", "expired though it counts"),
    Mutation("expiry only renewed after", _expiry_not_renewed_first, "expiring", "more than the limit"),
    Mutation("a denial outlives a raise", _denial_outlives_a_raise, "raises", "refused without reason"),
    Mutation("a denial outlives its sub-interval", _denial_for_long, "edges", "refused without reason"),
    Mutation("nobody is told that there is no answer", _nobody_is_told, "cuts", "left waiting"),
    Mutation("no deadline", _no_deadline, "breaks", "decided late"),
    Mutation("local decisions are posted twice", _posted_again, "spikes", "posted twice"),
    Mutation("local decisions are never posted", _never_posted, "spikes", "never posted"),
    Mutation("each node gives the whole limit", _whole_limit_each, "breaks", "more than the worst case"),
)
