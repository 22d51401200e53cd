"""What is told of what the subject says, while a run lasts."""

from collections.abc import AsyncIterator
from io import StringIO

import pytest
from rich.console import Console

from loadtest.progress import Progress
from loadtest.subject_commands import About, Finding, Problem, Report
from loadtest.verdict import Asked
from loadtest.watch import Watch

ABOUT = About("client", "client-07")


def finding(code: str) -> Finding:
    return Finding(code, ABOUT, "warning", f"it is a {code}", "a cause", "a command")


def look(*codes: str, causes: tuple[str, ...]) -> Asked:
    """What is found, and what of it are problems of their own."""
    problems = tuple(Problem(code, ABOUT) for code in causes)
    return Asked(0.0, 0.0, Report(0.0, not codes, tuple(map(finding, codes)), problems))


LOOKS = [
    look("limit_breach", causes=("limit_breach",)),
    look("limit_breach", "hot_key", "spike_single", causes=("spike_single",)),
    look("hot_key", "spike_single", "retry_storm", causes=("retry_storm",)),
    look("hot_key", causes=("hot_key",)),
    look(causes=()),
    look(causes=()),
]


async def coming() -> AsyncIterator[Asked]:
    for asked in LOOKS:
        yield asked


@pytest.mark.parametrize(
    ("tells_symptoms", "told"),
    [
        (True, ["limit_breach", "hot_key", "spike_single", "retry_storm", "all clear"]),
        (False, ["limit_breach", "spike_single", "retry_storm", "hot_key", "all clear"]),
    ],
)
async def test_each_finding_is_told_once_and_its_symptoms_only_where_that_is_asked_for(
    *, tells_symptoms: bool, told: list[str]
) -> None:
    file = StringIO()
    console = Console(file=file, width=80)
    watch = Watch(coming(), Progress(console), tells_symptoms=tells_symptoms)

    await watch.run()

    lines = [line.split("subject: ")[1].strip() for line in file.getvalue().splitlines()]
    assert [line.removeprefix("it is a ") for line in lines] == told
    assert watch.reports == LOOKS
