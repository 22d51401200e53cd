"""One run in a file: what the subject recorded, and behind it the truth, in further lines of the same form.

``subject replay`` reads such a file and leaves the truth out. It is compressed, and there as a whole or not
at all.
"""

import gzip
import re
import secrets
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway.contract.records import decode, encode
from loadtest.child import StartError
from loadtest.evaluation.plan import BENIGN, FIRST_SEEDS, INTENSITIES, Run
from loadtest.scenarios import Scenario, Sign
from loadtest.subject_commands import Identity
from loadtest.verdict import Asked, Outcome, Times, Verdict

SUFFIX = ".jsonl.gz"
RUN, LOOK, PLAY, BOOKS = "evaluated_run", "evaluated_look", "evaluated_play", "evaluated_books"
_LINE = re.compile(r'\{"(?P<kind>evaluated_[a-z]+)":(?P<content>.*)\}\n')
_LEVEL = 6
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Look:
    """When a look was there, and what it found."""

    told_at: float
    found: tuple[Identity, ...]


@dataclass(frozen=True, slots=True)
class Play:
    """A scenario, when it was played, and what is true of it."""

    name: str
    injected: str
    expected: tuple[Sign, ...]
    allowed: tuple[Sign, ...]
    problems: int
    times: Times

    @property
    def scenario(self) -> Scenario:
        """As far as an outcome needs it."""
        return Scenario(self.name, self.injected, (), self.expected, self.allowed, self.problems)


@dataclass(frozen=True, slots=True)
class Books:
    """How the run itself came out: requests counted alike by all, and what else than findings failed."""

    counted: int | None
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """All that stands behind the recording."""

    run: Run
    looks: tuple[Look, ...]
    plays: tuple[Play, ...]
    books: Books


def path_of(folder: Path, name: str) -> Path:
    """The file of a run of that name."""
    return folder / f"{name}{SUFFIX}"


def paths(folder: Path) -> list[Path]:
    """All that are there.

    Raises:
        StartError: there is none.
    """
    found = sorted(folder.glob(f"*{SUFFIX}"))
    if not found:
        raise StartError(f"{folder} has no recorded run: loadtest evaluate --record {folder}")
    return found


def truth_of(run: Run, reports: Sequence[Asked], verdict: Verdict) -> Truth:
    """What is written of a run that was played."""
    return Truth(
        run,
        tuple(
            Look(asked.at, tuple(finding.identity for finding in asked.report.findings)) for asked in reports
        ),
        tuple(_play(outcome) for outcome in verdict.outcomes),
        Books(verdict.counted, verdict.failures_of_books),
    )


def _play(outcome: Outcome) -> Play:
    scenario = outcome.scenario
    return Play(
        scenario.name,
        scenario.injected,
        scenario.expected,
        scenario.allowed,
        scenario.problems,
        outcome.times,
    )


def write(folder: Path, recording: Path, truth: Truth) -> None:
    """Put the file there. Of two that do so at once, the later one's stays.

    Raises:
        StartError: it cannot be written; then there is none.
    """
    path = path_of(folder, truth.run.name)
    draft = path.with_suffix(f".{secrets.token_hex(4)}.new")
    try:
        with (
            gzip.open(draft, "wt", _LEVEL, encoding="utf-8") as out,
            recording.open(encoding="utf-8") as lines,
        ):
            out.writelines(lines)
            out.writelines(_lines(truth))
        draft.replace(path)
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        draft.unlink(missing_ok=True)


def _lines(truth: Truth) -> Iterator[str]:
    yield _line(RUN, truth.run)
    yield from (_line(LOOK, look) for look in truth.looks)
    yield from (_line(PLAY, play) for play in truth.plays)
    yield _line(BOOKS, truth.books)


def _line(kind: str, record: Any) -> str:
    return f'{{"{kind}":{encode(record)}}}\n'


def read(path: Path) -> Truth:
    """What was written.

    Raises:
        StartError: it cannot be read, or is no such file.
    """
    found: dict[str, list[str]] = {RUN: [], LOOK: [], PLAY: [], BOOKS: []}
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for match in filter(None, map(_LINE.fullmatch, lines)):
                found.setdefault(match["kind"], []).append(match["content"])
        (run,), (books,) = found[RUN], found[BOOKS]
        return Truth(
            _known(decode(Run, run), path),
            tuple(decode(Look, text) for text in found[LOOK]),
            tuple(decode(Play, text) for text in found[PLAY]),
            decode(Books, books),
        )
    except (OSError, EOFError, zlib.error, ValueError) as error:  # a RecordError is a ValueError
        raise StartError(f"{path} is no recorded run: {error}") from None


def _known(run: Run, path: Path) -> Run:
    """One that a plan may have, in the file of its name: a copy would count twice."""
    if run.purpose not in FIRST_SEEDS or run.intensity not in (*INTENSITIES, BENIGN):
        raise ValueError(f"it says that it is {run.purpose}, {run.intensity}")
    if path_of(path.parent, run.name) != path:
        raise ValueError(f"it says that it is {run.name}")
    return run
