"""`loadtest demo`: what goes wrong, what the subject says of it, what an operator does, and that it helps."""

import time

from loadtest import report, stories
from loadtest.output import PrintableConsole
from loadtest.play import Played, on_own
from loadtest.progress import Progress
from loadtest.run_report import document
from loadtest.run_report.document import Run

WELL, FAILED = 0, 1
TOLD = (
    "tells each second what is wrong. What an operator would do about it is done, by the commands that are "
    "shown"
)


async def show(seed: int, *, as_json: bool = False) -> int:
    """In an order drawn from the seed. As JSON on standard output, all else goes to standard error.

    Returns:
        0 if all that was expected was found, nothing else, what was done helped, and the limits were kept;
        otherwise 1.
    """
    console = PrintableConsole(stderr=as_json)
    progress = Progress(console)
    setting, drawn = stories.draw_all(seed)
    report.print_opening(console, setting, seed, TOLD)
    began_at = time.time()
    played = Played(setting, drawn)
    with progress.live():
        verdict = await on_own(played, seed, progress, is_operated=True)
    report.print_verdict(console, verdict, seed, progress.seconds)
    if as_json:
        print(document.text(Run(played, verdict, seed, began_at)))  # noqa: T201 - the command's output
    return FAILED if verdict.failures else WELL
