"""`loadtest run` and `loadtest demo`: a real cluster, faults put on it, and what the subject says of them."""

from collections.abc import Sequence
from random import Random

from rich.console import Console

from loadtest import books, report, scenarios
from loadtest.progress import Progress
from loadtest.scenarios import Chance, Scenario, Setting
from loadtest.session import Session
from loadtest.stage import standing
from loadtest.subject_commands import Subject, SubjectError
from loadtest.verdict import Verdict
from loadtest.watch import Watch, asked

WELL, FAILED = 0, 1


async def show(seed: int) -> int:
    """Those of the demo, in an order drawn from the seed; the exit code is `run`'s."""
    names = list(scenarios.DEMO)
    Random(f"order {seed}").shuffle(names)
    return await _run(names, seed, None, with_times=False)


async def run(names: Sequence[str], seed: int, rate_per_second: float | None = None) -> int:
    """Play the scenarios on a cluster of three nodes, and judge; what can only be the first is that.

    Returns:
        0 if all that was expected was found, nothing else, and the limits were kept; otherwise 1.
    """
    ordered = sorted(dict.fromkeys(names), key=lambda name: name != scenarios.FIRST)
    return await _run(ordered, seed, rate_per_second, with_times=True)


async def _run(names: Sequence[str], seed: int, rate_per_second: float | None, *, with_times: bool) -> int:
    console = Console(highlight=False)
    progress = Progress(console)
    chance = Chance(seed)
    setting = scenarios.draw_setting(chance, rate_per_second)
    warm_up = () if names[0] == scenarios.FIRST else (scenarios.warm_up(setting),)
    drawn = [*warm_up, *(scenarios.draw(name, setting, chance) for name in names)]
    report.print_opening(console, setting, seed)
    with progress.live():
        result = await _played(setting, drawn, seed, progress)
    report.print_verdict(console, result, seed, progress.seconds, with_times=with_times)
    return FAILED if result.failures else WELL


async def _played(setting: Setting, drawn: Sequence[Scenario], seed: int, progress: Progress) -> Verdict:
    progress.status("starting Redis, a dummy upstream and the nodes")
    async with standing(setting, seed) as stage:
        progress.say("the cluster runs")
        subject = Subject(stage.subject_environment, stage.cluster.folder)
        session = Session(setting, stage.load, stage.site, Watch(asked(subject), progress))
        try:
            outcomes = await session.play(drawn)
            progress.status("counting")
            return await books.closed(setting, stage, subject, drawn, outcomes)
        except SubjectError as error:
            return Verdict((), None, problems=(str(error),))
        finally:
            progress.status("stopping everything")
