"""The load generator's process: its start, what it is told while it runs, and what it counted."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from gateway.contract import codec
from loadtest import followed_file
from loadtest.child import Child, StartError, start_module
from loadtest.counts import Counted
from loadtest.interrupt import uninterrupted
from loadtest.load import Load

USERS = 96
STOP_SECONDS = 10
LONGEST_RUN_SECONDS = 1800
"""It ends by then even if whoever started it was killed and cannot stop it."""

_LOCUSTFILE = Path(__file__).with_name("locustfile.py")


@dataclass(slots=True)
class Generator:
    """A running generator."""

    child: Child
    load_file: Path
    report_file: Path
    counted: Counted | None = field(default=None)

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

    async def stop(self) -> Counted:
        """Let what is under way finish, and get the counts.

        Raises:
            StartError: it ended before its time, or without counts.
        """
        self.check()
        if self.counted is None:
            await self.child.stop(STOP_SECONDS + 5)
            try:
                self.counted = codec.decode(Counted, self.report_file.read_text())
            except (FileNotFoundError, codec.RecordError):
                raise StartError(f"the load generator left no counts: {self.child.last_words()}") from None
        return self.counted


@asynccontextmanager
async def running(
    nodes: Sequence[tuple[str, str]],
    load: Load,
    *,
    seed: int,
    environment: Mapping[str, str],
    folder: Path,
    users: int = USERS,
) -> AsyncIterator[Generator]:
    """Send `load` to `nodes` (id and URL of each) while the context lasts; one per folder.

    Raises:
        StartError: locust is not installed.
    """
    if find_spec("locust") is None:
        raise StartError("no load generator: pip install 'operator-ratelimiter[loadtest]'")
    load_file, report_file = folder / "load.json", folder / "counts.json"
    followed_file.replace(load_file, load)
    child = start_module(
        "locust",
        *("-f", str(_LOCUSTFILE), "--headless", "--loglevel", "WARNING"),
        *("--users", str(users), "--spawn-rate", str(users)),
        *("--stop-timeout", str(STOP_SECONDS), "--run-time", f"{LONGEST_RUN_SECONDS}s"),
        name="generator",
        environment={
            **environment,
            "LOADTEST_NODES": json.dumps(list(nodes)),
            "LOADTEST_LOAD": str(load_file),
            "LOADTEST_SEED": str(seed),
            "LOADTEST_REPORT": str(report_file),
        },
        folder=folder,
        working_folder=folder,
    )
    try:
        yield Generator(child, load_file, report_file)
    finally:
        await uninterrupted(child.stop(grace_seconds=2))
