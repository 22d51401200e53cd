"""What is counted over seconds, and over whole ones, of samples.

Nodes publish at different moments of a second, and a record can be lost; so what is counted over whole
seconds is each sample's count spread evenly over the time between its two records.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import ceil, floor

from subject.cluster.samples import Sample


def requests(sample: Sample) -> int:
    """Of all clients."""
    return sample.totals.requests


def requests_of_clients(sample: Sample) -> Mapping[str, int]:
    """By client, of those that were among the busiest."""
    return sample.requests_by_client


def refusals_of_clients(sample: Sample) -> Mapping[str, int]:
    """By client, of those that were among the most refused."""
    return sample.refused_by_client


def counted(of: Iterable[Sample], value: Callable[[Sample], float], start: float, end: float) -> float:
    """The sum of `value` over (start, end]."""
    return sum(
        value(sample) * overlap / (sample.end - sample.start) for sample, overlap in _overlaps(of, start, end)
    )


def covered_seconds(of: Iterable[Sample], start: float, end: float) -> float:
    """How much of (start, end] the samples cover."""
    return sum(overlap for _, overlap in _overlaps(of, start, end))


def per_second(of: Iterable[Sample], value: Callable[[Sample], float], first: int, until: int) -> list[float]:
    """`value` by whole second, from second `first` to the one before `until`."""
    seconds = [0.0] * max(0, until - first)
    for sample in of:
        amount = value(sample)
        for place, share in _spread(sample, first, until) if amount else ():
            seconds[place] += amount * share
    return seconds


def by_client(
    of: Iterable[Sample], field: Callable[[Sample], Mapping[str, int]], start: float, end: float
) -> dict[str, float]:
    """Each client's sum over (start, end], as far as it was among the listed ones."""
    sums: dict[str, float] = {}
    for sample, overlap in _overlaps((one for one in of if field(one)), start, end):
        part = overlap / (sample.end - sample.start)
        for client, units in field(sample).items():
            sums[client] = sums.get(client, 0.0) + units * part
    return sums


def rows_by_client(
    of: Iterable[Sample],
    field: Callable[[Sample], Mapping[str, int]],
    clients: Iterable[str],
    first: int,
    until: int,
) -> dict[str, list[float]]:
    """As `per_second`, for each of these clients, in one pass."""
    rows = {client: [0.0] * max(0, until - first) for client in clients}
    for sample in of:
        listed = field(sample)
        wanted = rows.keys() & listed.keys()
        for place, share in _spread(sample, first, until) if wanted else ():
            for client in wanted:
                rows[client][place] += listed[client] * share
    return rows


def last_seconds(of: Sequence[Sample], place: int, seconds: float) -> list[Sample]:
    """The samples of one node, up to one of them, that reach into the seconds before its end."""
    start, found = of[place].end - seconds, []
    while place >= 0 and of[place].end > start:
        found.append(of[place])
        place -= 1
    return found[::-1]


def ending_after(of: Sequence[Sample], start: float) -> Sequence[Sample]:
    """The samples of one node that have a part after `start`: of two minutes, a tenth."""
    return of[bisect_right(of, start, key=_end) :]


def ended_within(of: Iterable[Sample], start: float, end: float) -> list[Sample]:
    """The samples whose record came in (start, end]: histograms cannot be cut, so a sample counts whole."""
    return [sample for sample in of if start < sample.end <= end]


def _spread(sample: Sample, first: int, until: int) -> list[tuple[int, float]]:
    """The parts of a sample that lie in each second, counted from `first`."""
    start, end = sample.start, sample.end
    length = end - start
    return [
        (second - first, (min(end, second + 1) - max(start, second)) / length)
        for second in range(max(first, floor(start)), min(until, ceil(end)))
    ]


def _overlaps(of: Iterable[Sample], start: float, end: float) -> Iterator[tuple[Sample, float]]:
    """The samples that reach into (start, end], and for how many seconds."""
    for sample in of:
        if sample.end > start and sample.start < end:
            yield sample, min(sample.end, end) - max(sample.start, start)


def _end(sample: Sample) -> float:
    return sample.end
