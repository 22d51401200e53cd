"""`loadtest run`: scenarios on a cluster of our own or on somebody's, and a verdict on both."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from loadtest import output, report, scenarios
from loadtest.elsewhere import stage as elsewhere
from loadtest.elsewhere.target import Target
from loadtest.generator import WEB_HOST
from loadtest.play import Played, on_own, on_reached
from loadtest.progress import Progress
from loadtest.run_report import document, page
from loadtest.run_report.document import Run
from loadtest.scenarios import Chance

WELL, FAILED = 0, 1
ASKED = "tells each second what is wrong"


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    names: Sequence[str]
    seed: int
    rate_per_second: float | None = None
    target: Target | None = None
    report: Path | None = None
    as_json: bool = False
    web_port: int | None = None


async def run(options: Options) -> int:
    """Play the scenarios, and judge; what can only be the first is that.

    Returns:
        0 if all that was expected was found, nothing else, and the limits were kept; otherwise 1.

    Raises:
        StartError: something does not start, or does not answer.
        TargetError: what is asked for cannot be done on that cluster.
    """
    names = sorted(dict.fromkeys(options.names), key=lambda name: name != scenarios.FIRST)
    console = output.console(to_stderr=options.as_json)
    progress = Progress(console)
    folder = None if options.report is None else output.made(options.report)
    began_at = time.time()
    with progress.live():
        if options.target is None:
            played = await _on_own(options, names, console, progress)
        else:
            played = await _elsewhere(options, options.target, names, console, progress)
    report.print_verdict(console, played.verdict, options.seed, progress.seconds, with_times=True)
    told = Run(played, options.seed, began_at, options.target)
    if folder is not None:
        (folder / "report.json").write_text(document.text(told) + "\n")
        (folder / "report.html").write_text(page.html(told))
        console.print(f"{folder / 'report.html'}, and report.json beside it", soft_wrap=True)
    if options.as_json:
        print(document.text(told))  # noqa: T201 - the command's output
    return FAILED if played.verdict.failures else WELL


async def _on_own(options: Options, names: Sequence[str], console: Console, progress: Progress) -> Played:
    setting, drawn = scenarios.draw_all(names, options.seed, options.rate_per_second)
    report.print_opening(console, setting, options.seed, ASKED)
    _say_web(options, progress)
    return await on_own(setting, drawn, options.seed, progress, web_port=options.web_port)


async def _elsewhere(
    options: Options, target: Target, names: Sequence[str], console: Console, progress: Progress
) -> Played:
    elsewhere.check(target.redis_url, names, scenarios.FAULTS)
    async with elsewhere.reached(target, options.rate_per_second, progress) as cluster:
        drawn = cluster.drawn(names, Chance(options.seed))
        report.print_opening_elsewhere(
            console, cluster.setting, cluster.books.facts.others_per_second, options.seed
        )
        _say_web(options, progress)
        return await on_reached(cluster, drawn, options.seed, progress, options.web_port)


def _say_web(options: Options, progress: Progress) -> None:
    if options.web_port is not None:
        progress.say(f"locust's page, as long as it lasts: http://{WEB_HOST}:{options.web_port}/")
