"""What a run on somebody's cluster comes to, and what of it nobody could see from here."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from gateway.contract.client_id import key_digest
from gateway.contract.records import Totals
from loadtest import passages, upstream_log
from loadtest.books import SETTLE_SECONDS, not_sent, unanswered
from loadtest.child import StartError
from loadtest.counts import Counted, Counts
from loadtest.elsewhere import facts
from loadtest.elsewhere.comparison import Compared, are_equal, compared
from loadtest.elsewhere.facts import Facts, NodePlace
from loadtest.elsewhere.front import CLUSTER, Front
from loadtest.elsewhere.judgement import beside_others, without_blindness, without_known
from loadtest.elsewhere.others import Stretch, stretches
from loadtest.generator import Generator
from loadtest.passages import Busiest
from loadtest.scenarios import Setting
from loadtest.subject_commands import Identity, Subject, SubjectError
from loadtest.verdict import Asked, Outcome, Verdict

TICK_SECONDS = 0.5

ANSWERS = "the answers that clients got"
UNEXPECTED = "not put there, and found:"
OTHERS_RATIO, OTHERS_LEAST = 0.05, 1.0
"""Of the usual rate, or so many a second; where others send more, what nodes do is not ours alone."""

SHADOW_SECONDS = 10.0
"""For so long what has been is still looked at, when something is found."""

UNSEEN_UPSTREAM = "whether what was refused stayed away from the upstream: its log is not seen from here"


@dataclass(frozen=True, slots=True)
class Books:
    """What the run's end is held against."""

    setting: Setting
    facts: Facts
    front: Front
    subject: Subject
    still_known: set[Identity]  # findings that were there before the run, and have been there ever since

    async def closed(self, load: Generator, outcomes: Sequence[Outcome], reports: Sequence[Asked]) -> Verdict:
        """End the load, and hold against each other what senders and nodes counted.

        Raises:
            StartError: the load generator had ended by itself, or left no counts.
        """
        counted = await load.stop()
        seen = with_probes(counted, self.front)
        busy = self._busy(stretches(reports, counted.moments, self.facts.clock_offset))
        compared = await self._compared(seen, has_others=bool(busy))
        requests = sum(node.as_totals().requests for node in seen.values())
        return Verdict(
            outcomes=tuple(self.judged(outcome, busy) for outcome in outcomes),
            busiest=_busiest(self.setting, load),
            counted=requests if compared.are_equal else None,
            problems=(*not_sent(counted), *_unidentified(seen), *unanswered(seen), *compared.problems),
            limits_by=ANSWERS,
            not_judged=(UNSEEN_UPSTREAM, *compared.notes, *self._told_known()),
            open_questions=compared.open_questions,
            unexpected=UNEXPECTED,
        )

    def broken_off(self, outcomes: Sequence[Outcome], open_questions: tuple[str, ...]) -> Verdict:
        """Of a run that does not come to its end."""
        return Verdict(
            outcomes=tuple(self.judged(outcome, ()) for outcome in outcomes),
            busiest=None,
            not_judged=(UNSEEN_UPSTREAM, *self._told_known()),
            open_questions=open_questions,
            unexpected=UNEXPECTED,
        )

    def _told_known(self) -> list[str]:
        codes = sorted({code for code, _, _ in self.facts.known_findings})
        return [f"what was found before the run: {', '.join(codes)}"] if codes else []

    @property
    def _most_others_per_second(self) -> float:
        return max(OTHERS_RATIO * self.setting.rate_per_second, OTHERS_LEAST)

    def _busy(self, found: Sequence[Stretch]) -> list[Stretch]:
        """With so many requests of others that nobody can tell what is whose."""
        return [stretch for stretch in found if stretch.per_second > self._most_others_per_second]

    def judged(self, outcome: Outcome, busy: Sequence[Stretch]) -> Outcome:
        """What is found of nodes and cluster, or is not, may be for others' traffic, or from before."""
        outcome = without_blindness(without_known(outcome, self.still_known))
        return beside_others(outcome) if self._has_others(outcome, busy) else outcome

    def _has_others(self, outcome: Outcome, busy: Sequence[Stretch]) -> bool:
        times = outcome.times
        over_at = inf if times.over_at is None else times.over_at
        return self.facts.others_per_second > self._most_others_per_second or any(
            one.began_at < over_at and one.ended_at > times.started_at - SHADOW_SECONDS for one in busy
        )

    async def _compared(self, seen: Mapping[str, Counts], *, has_others: bool) -> Compared:
        end = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                places = await facts.nodes(self.subject)
                now = self._grown(places)
                if are_equal(seen, now):
                    return Compared(are_equal=True)
                if time.monotonic() > end:
                    break
            except (SubjectError, StartError) as error:
                if time.monotonic() > end:
                    return Compared(open_questions=(f"what nodes counted is not known: {error}",))
                await asyncio.sleep(TICK_SECONDS)
        is_restless = has_others or self.facts.others_per_second > 0 or not await self._is_quiet(now)
        return compared(seen, now, lost=self._lost(places), has_others=is_restless)

    def _lost(self, places: Sequence[NodePlace]) -> dict[str, str]:
        """By what requests were sent to: nodes whose last second was not written down, and why."""
        boots = self.facts.boots
        reasons = {
            node.id: f"{node.id} is down" if node.state != facts.UP else f"{node.id} was started anew"
            for node in places
            if node.id in self.front.node_ids
            and (node.state != facts.UP or boots.get(node.id) != node.boot_id)
        }
        if self.front.is_one_for_all and reasons:
            return {CLUSTER: ", ".join(reasons.values())}
        return reasons

    def _grown(self, places: Sequence[NodePlace]) -> dict[str, Totals]:
        """Since the run began, by what its requests were sent to."""
        before = self.facts.totals
        grown = {
            node_id: totals - before.get(node_id, Totals())
            for node_id, totals in facts.totals_of(places).items()
        }
        return {CLUSTER: sum(grown.values(), Totals())} if self.front.is_one_for_all else grown

    async def _is_quiet(self, before: Mapping[str, Totals]) -> bool:
        await asyncio.sleep(facts.QUIET_SECONDS)
        try:
            return before == self._grown(await facts.nodes(self.subject))
        except (SubjectError, StartError):
            return True


def with_probes(counted: Counted, front: Front) -> dict[str, Counts]:
    """What the senders saw, with the requests that found out where the nodes are."""
    return {
        node_id: counts + front.probes.get(node_id, Counts()) for node_id, counts in counted.nodes.items()
    }


def _unidentified(seen: Mapping[str, Counts]) -> list[str]:
    return [
        f"{node_id} did not know the key of {counts.unidentified:,} requests (401)"
        for node_id, counts in seen.items()
        if counts.unidentified
    ]


def _busiest(setting: Setting, load: Generator) -> Busiest | None:
    """By each window that a client has; Redis counted a request between its start and its answer."""
    admitted = list(upstream_log.passages(load.answers_file.read_text().splitlines()))
    return passages.nearest(
        passages.busiest(admitted, {key_digest(client.key): window for client in setting.clients})
        for window in setting.windows
    )
