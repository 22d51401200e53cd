"""`loadtest demo`: three anomalies and a calm on a real cluster, and what the subject says of them."""

from random import Random

from rich.console import Console

from loadtest import report, scenarios
from loadtest.play import Played, on_own
from loadtest.progress import Progress

WELL, FAILED = 0, 1


async def show(seed: int) -> int:
    """In an order drawn from the seed.

    Returns:
        0 if all that was expected was found, nothing else, and the limits were kept; otherwise 1.
    """
    names = list(scenarios.DEMO)
    Random(f"order {seed}").shuffle(names)
    console = Console(highlight=False)
    progress = Progress(console)
    setting, drawn = scenarios.draw_all(names, seed)
    report.print_opening(console, setting, seed)
    played = Played(setting, drawn)
    with progress.live():
        verdict = await on_own(played, seed, progress, is_asked=True)
    report.print_verdict(console, verdict, seed, progress.seconds)
    return FAILED if verdict.failures else WELL
