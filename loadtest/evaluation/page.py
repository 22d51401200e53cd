"""What an evaluation found, in a page of the documentation: between two comments."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from loadtest import machine
from loadtest.evaluation import tables
from loadtest.evaluation.score import Score
from loadtest.evaluation.sweep import Tried
from loadtest.figure_tables import Place

NAME = "evaluation"


def check(page: Path) -> None:
    """Before a long run, whether what it finds can be written.

    Raises:
        StartError: it cannot.
    """
    Place(page, NAME).check()


def write(page: Path, scores: Mapping[str, Score], tried: Sequence[Tried] = ()) -> None:
    """Replace what the page says.

    Raises:
        StartError: the page has no place for it.
    """
    shown = [table.markdown for table in tables.all_of(scores, tried)]
    Place(page, NAME).write((_setting(scores), *shown))


def _setting(scores: Mapping[str, Score]) -> str:
    runs = [scored for score in scores.values() for scored in score.runs]
    requests = sum(scored.books.counted or 0 for scored in runs)
    looks = sum(scored.looks for scored in runs)
    hours = sum(score.benign_hours for score in scores.values())
    return (
        f"{machine.in_words()}. {len(runs)} runs, {looks:,} looks, {hours:.1f} hours of benign traffic; "
        f"{requests:,} requests, which senders and subject counted alike.\n"
    )
