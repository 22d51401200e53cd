"""What a run on somebody's cluster comes to, and what of it nobody could see from here."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import starmap

from gateway.contract.client_id import key_digest
from gateway.contract.telemetry import Totals
from loadtest import upstream_log, verdict
from loadtest.books import SETTLE_SECONDS, not_sent, unanswered
from loadtest.child import StartError
from loadtest.counts import Counted, Counts
from loadtest.elsewhere import facts as cluster
from loadtest.elsewhere.facts import Facts
from loadtest.elsewhere.front import CLUSTER, Front
from loadtest.generator import Generator
from loadtest.scenarios import Setting, Sign
from loadtest.subject_commands import Finding, Subject, SubjectError
from loadtest.verdict import Busiest, Outcome, Verdict

ANSWERS = "the answers that clients got"
OTHERS_RATIO = 0.05
"""Of the usual rate; where others send more, what nodes and cluster do is not ours alone."""

UNSEEN_UPSTREAM = "whether what was refused stayed away from the upstream: its log is not seen from here"


@dataclass(frozen=True, slots=True)
class Books:
    """What the run's end is held against."""

    setting: Setting
    facts: Facts
    front: Front
    subject: Subject

    @property
    def has_others(self) -> bool:
        """Whether so many requests of others came before the run that nobody can tell what is whose."""
        return self.facts.others_per_second > OTHERS_RATIO * self.setting.rate_per_second

    async def closed(self, load: Generator, outcomes: Sequence[Outcome]) -> Verdict:
        """End the load, and hold against each other what senders and nodes counted.

        Raises:
            StartError: the load generator had ended by itself, or left no counts.
        """
        counted = await load.stop()
        seen = with_probes(counted, self.front)
        differences, others = await self._compared(seen)
        judged = [self._judged(outcome) for outcome in outcomes]
        requests = sum(node.as_totals().requests for node in seen.values())
        return Verdict(
            outcomes=tuple(outcome for outcome, _ in judged),
            busiest=_busiest(self.setting, load),
            counted=None if differences or others else requests,
            problems=(*not_sent(counted), *_unidentified(seen), *unanswered(seen), *differences),
            limits_by=ANSWERS,
            not_judged=(
                UNSEEN_UPSTREAM,
                *others,
                *self._known(),
                *(text for _, some in judged for text in some),
            ),
        )

    def _known(self) -> list[str]:
        codes = sorted({code for code, _, _ in self.facts.known_findings})
        return [f"what was found before the run: {', '.join(codes)}"] if codes else []

    def _judged(self, outcome: Outcome) -> tuple[Outcome, list[str]]:
        """Where others send too, what is found of nodes and cluster, or is not, may be for their traffic."""
        if not self.has_others:
            return outcome, []
        shared: dict[Sign | Finding, str] = {
            **{sign: "was not found" for sign in outcome.missing if sign.kind != "client"},
            **{found: "was found" for found in outcome.false_alarms if found.subject.kind != "client"},
        }
        mine = replace(
            outcome,
            missing=tuple(sign for sign in outcome.missing if sign not in shared),
            false_alarms=tuple(found for found in outcome.false_alarms if found not in shared),
            stayed=tuple(found for found in outcome.stayed if found.subject.kind == "client"),
            problems=None,
        )
        name = outcome.scenario.name
        return mine, [f"{name}: {what} {told}, beside others' traffic" for what, told in shared.items()]

    async def _compared(self, seen: Mapping[str, Counts]) -> tuple[list[str], list[str]]:
        """What differs; and what cannot be compared, since others sent too."""
        end = time.monotonic() + SETTLE_SECONDS
        try:
            while True:
                now = await self._counted()
                differing = _differing(seen, now)
                if not differing or time.monotonic() > end:
                    break
            if not differing:
                return [], []
            if self.facts.others_per_second == 0 and await self._is_quiet():
                return [f"{text}; nobody else was seen sending" for text in differing], []
        except (SubjectError, StartError) as error:
            return [str(error)], []
        return too_few(seen, now), [others(seen, now)]

    async def _counted(self) -> dict[str, Totals]:
        """Since the run began, by what its requests were sent to."""
        now = cluster.totals_of(await cluster.nodes(self.subject))
        grown = {
            node_id: totals - self.facts.totals.get(node_id, Totals()) for node_id, totals in now.items()
        }
        return {CLUSTER: sum(grown.values(), Totals())} if self.front.is_one_for_all else grown

    async def _is_quiet(self) -> bool:
        before = await self._counted()
        await asyncio.sleep(cluster.QUIET_SECONDS)
        return before == await self._counted()


def with_probes(counted: Counted, front: Front) -> dict[str, Counts]:
    """What the senders saw, with the requests that found out where the nodes are."""
    return {
        node_id: _sum(counts, front.probes.get(node_id, Counts()))
        for node_id, counts in counted.nodes.items()
    }


def _sum(one: Counts, other: Counts) -> Counts:
    return Counts(
        one.started + other.started,
        one.admitted + other.admitted,
        one.refused + other.refused,
        one.failed + other.failed,
        one.unidentified + other.unidentified,
        one.connection_failures + other.connection_failures,
    )


def _differing(seen: Mapping[str, Counts], now: Mapping[str, Totals]) -> list[str]:
    return [
        f"{node_id}: the senders saw {counts}, the subject says {now.get(node_id)}"
        for node_id, counts in seen.items()
        if now.get(node_id) != counts.as_totals()
    ]


def too_few(seen: Mapping[str, Counts], now: Mapping[str, Totals]) -> list[str]:
    """Others only add to what a node counts."""

    def check(node_id: str, counts: Counts) -> str | None:
        mine, all_together = counts.as_totals(), now.get(node_id, Totals())
        for name in ("admitted", "refused", "failed", "unidentified"):
            ours, counted = getattr(mine, name), getattr(all_together, name)
            if counted < ours:
                return f"{node_id} counted {counted:,} requests as {name}, and the senders alone saw {ours:,}"
        return None

    return list(filter(None, starmap(check, seen.items())))


def others(seen: Mapping[str, Counts], now: Mapping[str, Totals]) -> str:
    ours = sum(counts.as_totals().requests for counts in seen.values())
    more = sum(now.get(node_id, Totals()).requests for node_id in seen) - ours
    return (
        f"whether nodes counted each request once: {max(0, more):,} requests were not ours, beside {ours:,} "
        "of ours; no node counted fewer than its senders saw answered"
    )


def _unidentified(seen: Mapping[str, Counts]) -> list[str]:
    return [
        f"{node_id} did not know the key of {counts.unidentified:,} requests (401)"
        for node_id, counts in seen.items()
        if counts.unidentified
    ]


def _busiest(setting: Setting, load: Generator) -> Busiest | None:
    """By each window that a client has; Redis counted a request between its start and its answer."""
    passages = list(upstream_log.passages(load.answers_file.read_text().splitlines()))
    found = [
        verdict.busiest(passages, {key_digest(client.key): window for client in setting.clients})
        for window in (setting.limit, *setting.other_windows)
    ]
    return max(filter(None, found), key=lambda one: one.largest / one.limit.quota, default=None)
