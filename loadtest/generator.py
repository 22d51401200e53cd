"""The load generator's process: its start, what it is told while it runs, and what it counted."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gateway.contract.records import RecordError, decode
from loadtest import followed_file
from loadtest.child import READY_SECONDS, Child, StartError, start_module
from loadtest.counts import Counted
from loadtest.interrupt import uninterrupted
from loadtest.load import END, Load
from loadtest.polling import until

MOST_CONNECTIONS = 1000
STOP_SECONDS = 10
LONGEST_RUN_SECONDS = 1800
"""It ends by then even if whoever started it was killed and cannot stop it."""

OWN_PATH = "/work"
KEY_HEADER = "X-API-Key"
WEB_HOST = "127.0.0.1"

_WEB = ("--autostart", "--autoquit", "0", "--web-host", WEB_HOST)
_LOCUSTFILE = Path(__file__).with_name("locustfile.py")


@dataclass(frozen=True, slots=True)
class Way:
    """How requests come to somebody's nodes, which are called `node_ids` there: what is asked for, the field
    with the key, and whether certificates are checked."""

    path: str
    node_ids: Sequence[str]
    key_header: str = KEY_HEADER
    is_insecure: bool = False


@dataclass(slots=True)
class Generator:
    """A running generator."""

    child: Child
    load_file: Path
    report_file: Path
    answers_file: Path
    started_file: Path
    counted: Counted | None = None

    def follow(self, load: Load) -> None:
        """Change the load; the generator takes it up within a few tenths of a second."""
        followed_file.replace(self.load_file, load)

    def check(self) -> None:
        """Notice if it is gone.

        Raises:
            StartError: it ended by itself.
        """
        if self.counted is None and self.child.has_ended():
            raise StartError(f"the load generator ended by itself: {self.child.last_words()}")

    async def starts(self) -> None:
        """Wait until it sends what it is told to.

        Raises:
            StartError: it ended by itself, or took too long.
        """

        def has_started() -> bool:
            self.check()
            return self.started_file.exists()

        if not await until(has_started, READY_SECONDS):
            raise StartError(f"the load generator did not start within {READY_SECONDS:g} s")

    async def stop(self) -> Counted:
        """Let what is under way finish, and get the counts.

        Raises:
            StartError: it ended before its time, or without counts.
        """
        self.check()
        if self.counted is None:
            self.follow(END)
            await self.child.ends(STOP_SECONDS + 5)
            await self.child.stop(grace_seconds=2)
            try:
                self.counted = decode(Counted, self.report_file.read_text())
            except (FileNotFoundError, RecordError):
                raise StartError(f"the load generator left no counts: {self.child.last_words()}") from None
        return self.counted


def check_installed(command: str) -> None:
    """That locust is, which `command` needs.

    Raises:
        StartError: it is not.
    """
    if find_spec("locust") is None:
        raise StartError(
            f"loadtest {command} needs the extra loadtest: pip install 'operator-ratelimiter[loadtest]'"
        )


@asynccontextmanager
async def running(
    nodes: Sequence[tuple[str, str]],
    load: Load,
    *,
    seed: int,
    environment: Mapping[str, str],
    folder: Path,
    foreign: Way | None = None,
    web_port: int | None = None,
) -> AsyncIterator[Generator]:
    """Send `load` to `nodes` (id and URL of each) while the context lasts; one per folder.

    Without a `foreign` way the upstream is our own, whose log tells what arrived; with one the answers do.
    With a `web_port` locust's page shows how it goes.
    """
    load_file, report_file, answers = folder / "load.json", folder / "counts.json", folder / "answers.log"
    started = folder / "started"
    shown = ["--headless"] if web_port is None else [*_WEB, "--web-port", str(web_port)]
    way = foreign or Way(OWN_PATH, [node_id for node_id, _ in nodes])
    followed_file.replace(load_file, load)
    child = start_module(
        "locust",
        *("-f", str(_LOCUSTFILE), "--loglevel", "WARNING", "--stop-timeout", str(STOP_SECONDS)),
        *shown,
        name="generator",
        environment={
            **environment,
            "LOADTEST_NODES": json.dumps(list(nodes)),
            "LOADTEST_LOAD": str(load_file),
            "LOADTEST_SEED": str(seed),
            "LOADTEST_STARTED": str(started),
            "LOADTEST_MOST": str(MOST_CONNECTIONS),
            "LOADTEST_PATH": way.path,
            "LOADTEST_HEADER": way.key_header,
            "LOADTEST_HOPS": json.dumps(list(way.node_ids)),
            **({"LOADTEST_INSECURE": "1"} if way.is_insecure else {}),
            **({} if foreign is None else {"LOADTEST_ANSWERS": str(answers)}),
            "LOADTEST_REPORT": str(report_file),
        },
        folder=folder,
        working_folder=folder,
    )
    try:
        yield Generator(child, load_file, report_file, answers, started)
    finally:
        await uninterrupted(child.stop(grace_seconds=2))
