from collections import Counter
from pathlib import Path

from loadtest.figure_tables import Place
from tests.exactness import tables
from tests.exactness.__main__ import SECTIONS
from tests.exactness.limits import Demand, judge
from tests.exactness.outages import BRIEF, Course
from tests.exactness.policies import Client
from tests.exactness.schedule import Shot, even
from tests.exactness.store import FAULTS
from tests.exactness.volley import Answer

PAGE = Path(__file__).parents[2] / "docs/limits.md"
TWO_A_SECOND = Demand(Client("client", "2/1s"), 1)


def answers(*admitted: float, refused: tuple[float, ...] = ()) -> list[Answer]:
    times = sorted([*((at, 200) for at in admitted), *((at, 429) for at in refused)])
    return [
        Answer(
            number, Shot(at, "client", 0), at, at, at + 0.002, status, at + 0.001 if status == 200 else None
        )
        for number, (at, status) in enumerate(times)
    ]


def test_every_section_has_its_place_in_the_page() -> None:
    for section in SECTIONS:
        Place(PAGE, section).check()


def test_a_run_within_the_limit_is_a_line_and_no_failure() -> None:
    outcome = judge(TWO_A_SECOND, answers(1.0, 1.1, 2.1, 2.2, refused=(1.5,)))
    assert outcome.failures == []
    assert outcome.statuses == Counter({200: 4, 429: 1})
    assert tables.of_limits([outcome]).splitlines()[2].startswith("| `2/1s` | 1× (")


def test_a_window_too_full_and_a_limit_not_used_are_failures() -> None:
    (too_full,) = judge(TWO_A_SECOND, answers(1.0, 1.1, 1.2)).failures
    assert "3 in a window" in too_full
    (unused,) = judge(TWO_A_SECOND, answers(1.0, refused=(1.1, 2.5, 2.6))).failures
    assert "1 admitted of 4 possible" in unused


def test_an_answer_that_is_no_decision_is_a_failure() -> None:
    broken = answers(1.0, 1.1)
    broken[1].status, broken[1].arrived = 502, None
    assert any("502" in failure for failure in judge(TWO_A_SECOND, broken).failures)


def course(policy: str, admitted_per_second: float, during: int) -> Course:
    """The store is away from second 5 to 8; requests of BRIEF's take 2 ms, or 40 while it is away."""
    answers = []
    for number, shot in enumerate(even(BRIEF.name, admitted_per_second, 12, range(3))):
        is_away = 5 <= shot.at < 8
        status = during if is_away else 200
        arrived = shot.at + 0.001 if status == 200 else None
        received = shot.at + (0.04 if is_away else 0.002)
        answers.append(Answer(number, shot, shot.at, shot.at, received, status, arrived))
    return Course(policy, FAULTS[0], 5.0, 8.0, (BRIEF,), answers)


def test_an_outage_is_judged_by_its_answers_its_windows_and_its_latency() -> None:
    assert course("open", 40, 200).miscounts == []
    assert course("closed", 40, 503).miscounts == []
    assert "503" in course("local", 40, 503).miscounts[0]
    assert "1.60 N" in course("local", 80, 200).miscounts[0]
    (late,) = course("local", 40, 200).latenesses
    assert "with the breaker open" in late
    assert any("exact" in late for late in course("local", 80, 200).latenesses)
    assert "+38.0 ms" in tables.of_outages([course("local", 40, 200)])
