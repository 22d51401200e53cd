"""`loadtest run`: scenarios on a cluster of our own or on somebody's, and a verdict on both."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from loadtest import output, ports, report, scenarios
from loadtest.child import StartError
from loadtest.elsewhere import stage as elsewhere
from loadtest.elsewhere.target import Target, TargetError
from loadtest.generator import WEB_HOST
from loadtest.play import Played, on_own, on_reached
from loadtest.progress import Progress
from loadtest.run_report import document, page
from loadtest.run_report.document import Run
from loadtest.scenarios import Chance, own_rates
from loadtest.verdict import Verdict

FILES = HTML, JSON = "report.html", "report.json"
EXIT_CODES = {"passed": 0, "failed": 1, "not judged": 3}
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
    """Play the scenarios, and judge; what can only be the first is that. Of a run that is broken off what has
    come so far is told.

    Returns:
        0 if all that was expected was found, nothing else, and the limits were kept; 3 if nobody could tell;
        otherwise 1.

    Raises:
        StartError: something does not start, or does not answer.
        TargetError: what is asked for cannot be done on that cluster.
    """
    names = sorted(dict.fromkeys(options.names), key=lambda name: name != scenarios.FIRST)
    if options.report is not None:
        output.made(options.report, *FILES)
    if (port := options.web_port) is not None and not ports.is_free(port):
        raise StartError(f"--web {port}: this port is taken, or not for you")
    console = output.console(to_stderr=options.as_json)
    told = Telling(options, console, Progress(console), time.time())
    with told.progress.live():
        if options.target is None:
            return await _on_own(told, names)
        return await _elsewhere(told, options.target, names)


@dataclass(frozen=True, slots=True)
class Telling:
    """How a run is told, while it lasts and at its end."""

    options: Options
    console: Console
    progress: Progress
    began_at: float

    def end(self, played: Played, verdict: Verdict) -> int:
        """Print and write it; the exit code."""
        options, console = self.options, self.console
        report.print_verdict(console, verdict, options.seed, self.progress.seconds, with_times=True)
        told = Run(played, verdict, options.seed, self.began_at, options.target)
        try:
            if (folder := options.report) is not None:
                output.write(folder / JSON, document.text(told) + "\n")
                output.write(folder / HTML, page.html(told))
                console.print(f"{folder / HTML}, and {JSON} beside it", soft_wrap=True)
        finally:
            if options.as_json:
                print(document.text(told), flush=True)  # noqa: T201 - the command's output
        return EXIT_CODES[verdict.word]

    @contextmanager
    def even_if_broken_off(self, played: Played) -> Iterator[None]:
        """Tell what has come of it also where it does not come to its end."""
        try:
            yield
        except (asyncio.CancelledError, StartError) as error:
            if played.begun_at:
                reason = str(error) if isinstance(error, StartError) else "a signal asked for its end"
                self.end(played, played.broken_off(reason))
            raise

    def say_web(self) -> None:
        """Where locust's page is, if there is one."""
        if self.options.web_port is not None:
            self.progress.say(
                f"locust's page, as long as it lasts: http://{WEB_HOST}:{self.options.web_port}/"
            )


async def _on_own(told: Telling, names: Sequence[str]) -> int:
    options = told.options
    setting, drawn = scenarios.draw_all(names, options.seed, options.rate_per_second)
    if (wrong := own_rates.wrong(setting, drawn)) is not None:
        raise TargetError(wrong)
    report.print_opening(told.console, setting, options.seed, ASKED)
    told.say_web()
    played = Played(setting, drawn)
    with told.even_if_broken_off(played):
        verdict = await on_own(played, options.seed, told.progress, web_port=options.web_port)
    return told.end(played, verdict)


async def _elsewhere(told: Telling, target: Target, names: Sequence[str]) -> int:
    options = told.options
    elsewhere.check(target.redis_url, names)
    async with elsewhere.reached(target, options.rate_per_second, told.progress) as cluster:
        drawn = cluster.drawn(names, Chance(options.seed))
        others = cluster.books.facts.others_per_second
        report.print_opening_elsewhere(told.console, cluster.setting, others, options.seed)
        told.say_web()
        played = Played(cluster.setting, drawn, cluster)
        with told.even_if_broken_off(played):
            verdict = await on_reached(played, cluster, options.seed, told.progress, options.web_port)
    return told.end(played, verdict)
