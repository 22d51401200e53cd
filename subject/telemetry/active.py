"""Which clients are worth a look at their windows: those that nodes listed lately, in the order of a page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.contract.records import ClientCount, TelemetryRecord
from subject.cluster.gains import gains
from subject.cluster.snapshot import RATE_SECONDS

SHOWN = 24
"""A page lists twenty clients; who is the twentieth may change while it is looked at."""
LATE_SECONDS = 3.0
"""A record may come so much later than another of its second."""
Name = tuple[str, str, int]


def name(record: TelemetryRecord) -> Name:
    """The node, its boot and the number: what no other record has."""
    return record.node_id, record.boot_id, record.sequence


@dataclass(frozen=True, slots=True)
class _Gained:
    """What listed clients had between two records of a node."""

    start: float
    end: float
    requests: Mapping[str, int]
    refused: Mapping[str, int]


class Active:
    """Remembers what clients gained by each late record, so that a record costs once and not at each look."""

    def __init__(self) -> None:
        self._gained: dict[Name, _Gained] = {}

    def at(self, records: Iterable[TelemetryRecord], now: float) -> list[str]:
        """First the busiest of all nodes together and the most refused, as many as are shown; then others."""
        boots: dict[tuple[str, str], list[TelemetryRecord]] = {}
        for record in records:
            if record.at > now - RATE_SECONDS - 2 * LATE_SECONDS:
                boots.setdefault((record.node_id, record.boot_id), []).append(record)
        self._gained = {
            name: gained for of_it in boots.values() for name, gained in self._of_boot(of_it).items()
        }
        last = [of_it[-1] for of_it in boots.values()]
        # Until then all have told, who tell anything.
        end = min((record.at for record in last if record.at > now - LATE_SECONDS), default=now)
        requests, refused = dict[str, float](), dict[str, float]()
        for gained in self._gained.values():
            covered = min(gained.end, end) - max(gained.start, end - RATE_SECONDS)
            part = covered / (gained.end - gained.start)
            for sums, units in ((requests, gained.requests), (refused, gained.refused)) if part > 0 else ():
                for client, count in units.items():
                    sums[client] = sums.get(client, 0.0) + count * part
        busiest, most_refused = _in_order(requests), _in_order(refused)
        others = (entry.client for record in last for entry in (*record.busiest, *record.most_refused))
        return list(
            dict.fromkeys((*busiest[:SHOWN], *most_refused[:SHOWN], *busiest, *most_refused, *others))
        )

    def _of_boot(self, records: Sequence[TelemetryRecord]) -> dict[Name, _Gained]:
        found: dict[Name, _Gained] = {}
        for place, (earlier, later) in enumerate(pairwise(records), 1):
            if later.at > earlier.at:
                known = self._gained.get(name(later))
                found[name(later)] = known or _between(earlier, later, records[:place])
        return found


def _between(earlier: TelemetryRecord, later: TelemetryRecord, before: Iterable[TelemetryRecord]) -> _Gained:
    busiest, most_refused = dict[str, ClientCount](), dict[str, ClientCount]()
    for record in before:
        busiest.update((entry.client, entry) for entry in record.busiest)
        most_refused.update((entry.client, entry) for entry in record.most_refused)
    totals = later.boot - earlier.boot
    return _Gained(
        earlier.at,
        later.at,
        gains(busiest, earlier.busiest, later.busiest, totals.requests),
        gains(most_refused, earlier.most_refused, later.most_refused, totals.refused),
    )


def _in_order(sums: Mapping[str, float]) -> list[str]:
    return sorted(sums, key=lambda client: (-sums[client], client))
