"""``python -m tests.lanes``: the same cases to two nodes that differ in nothing but the lane, or the build.

Without ``--record``, ``--against`` and ``--show`` the two lanes of this build are compared. With them, one
node in its default configuration is recorded, compared with a recording of another build, or shown.
"""

import argparse
import hashlib
import sys
import time
from pathlib import Path

from tests.lanes import recording
from tests.lanes.explore import Tally, explored, in_processes
from tests.lanes.generator.mixed import CASES_A_ROUND
from tests.lanes.recording import RecordingError
from tests.progress import say

_TELL_SECONDS = 10.0
_MOST_NUMBERS = 1000
_CASES_A_LINE = 1000


def main() -> int:
    """Exit status 1 where anything differs, and 2 where nothing can be compared."""
    parser = argparse.ArgumentParser(prog="python -m tests.lanes", description=__doc__)
    parser.add_argument("--cases", type=int, help="how many, at least (20000; with --against: all)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round; the others count up (1)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--replay", type=int, metavar="SEED", help="only the round of this seed")
    parser.add_argument("--record", type=Path, metavar="FILE", help="write a digest of each case")
    parser.add_argument("--against", type=Path, metavar="FILE", help="compare this build with a recording")
    parser.add_argument(
        "--summarize", type=Path, nargs=2, metavar=("FILE", "TEXT"), help="write a line for 1,000 cases"
    )
    parser.add_argument("--show", type=int, metavar="CASE", help="print all that is recorded of a case")
    arguments = parser.parse_args()
    if arguments.show is not None:
        say(recording.show(arguments.seed, arguments.show))
        return 0
    if arguments.summarize is not None:
        _summarize(*arguments.summarize)
        return 0
    if arguments.record is not None:
        return _record(arguments)
    if arguments.against is not None:
        return _compare(arguments)
    if arguments.replay is not None:
        tally = explored([arguments.replay])
        say("\n".join([*tally.failures, str(tally)]))
        return bool(tally.failures)
    return _explore(arguments)


class _Progress:
    """Says now and then how many cases are done."""

    def __init__(self) -> None:
        self._start = self._said = time.monotonic()

    def done(self, cases: int, *, now: bool = False) -> None:
        """So many are; say it if it was long ago, or `now`."""
        if now or time.monotonic() - self._said > _TELL_SECONDS:
            self._said = time.monotonic()
            say(f"{cases} cases, {cases / (self._said - self._start):.0f} a second")


def _record(arguments: argparse.Namespace) -> int:
    cases, done, progress = arguments.cases or 20_000, 0, _Progress()
    say(str(recording.header(arguments.seed, cases)))
    for done in recording.record(arguments.record, arguments.seed, cases, arguments.jobs):
        progress.done(done)
    progress.done(done, now=True)
    return 0


def _summarize(recorded: Path, text: Path) -> None:
    """A digest for each 1,000 cases of a recording: small enough for the repository."""
    with recorded.open("rb") as file:
        header = recording.read_header(file)
        lines = [
            f"# seed {header.seed}, generator {header.generator}, harness {header.harness}, {header.build}"
        ]
        size = len(recording.SECTIONS) * recording.DIGEST_BYTES * _CASES_A_LINE
        while part := file.read(size):
            lines.append(f"{_CASES_A_LINE * (len(lines) - 1)} {hashlib.sha256(part).hexdigest()[:16]}")
    text.write_text("\n".join(lines) + "\n")


def _compare(arguments: argparse.Namespace) -> int:
    progress, differ = _Progress(), 0
    number = -1
    try:
        with arguments.against.open("rb") as file:
            recorded = recording.read_header(file)
            say(str(recorded))
            for number, parts in recording.compare(file, recorded, arguments.jobs, arguments.cases):
                if parts:
                    differ += 1
                    if differ <= _MOST_NUMBERS:
                        say(f"case {number} differs: {', '.join(parts)}")
                progress.done(number + 1)
    except RecordingError as error:
        say(f"{arguments.against}: {error}")
        return 2
    progress.done(number + 1, now=True)
    say(f"{differ} cases differ; --show CASE --seed {recorded.seed} prints one")
    return bool(differ)


def _explore(arguments: argparse.Namespace) -> int:
    start = told = time.monotonic()
    tally = Tally()
    rounds = -(-(arguments.cases or 20_000) // CASES_A_ROUND)
    for part in in_processes(arguments.seed, rounds, arguments.jobs):
        tally.add(part)
        for failure in part.failures:
            say(failure)
        now = time.monotonic()
        if now - told > _TELL_SECONDS:
            told = now
            say(f"{tally}, {tally.cases / (now - start):.0f} cases a second")
        if now - start > arguments.seconds:
            break
    say(f"{tally}, from seed {arguments.seed}, {time.monotonic() - start:.0f} s")
    return bool(tally.failures)


if __name__ == "__main__":
    sys.exit(main())
