"""One process that we start, watch and stop."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from loadtest.polling import TICK_SECONDS, until

READY_SECONDS = 30.0
CODE = Path(__file__).parent.parent
"""Where the modules of our own that run here are."""
NOTHING = Path(os.devnull)
_LEASH = Path(__file__).with_name("leash.py")


class StartError(RuntimeError):
    """Something could not be started; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Child:
    """A process in a session of its own, so that a terminal's Ctrl-C reaches only us."""

    name: str
    process: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def last_words(self) -> str:
        """The last line that it wrote, to stderr if there is one; or that there is no room for one."""
        folder = self.stderr.parent
        if os.statvfs(folder).f_bavail == 0:
            return f"there is no room left in {folder.parent} (another folder: TMPDIR)"
        for file in (self.stderr, self.stdout):
            if lines := file.read_text(errors="replace").strip().splitlines():
                return lines[-1].strip()
        return "it said nothing"

    def has_ended(self) -> bool:
        """Whether it runs no more, for whatever reason."""
        return self.process.poll() is not None

    async def ends(self, within_seconds: float) -> bool:
        """Wait for its end, and say whether it came."""
        return await until(self.has_ended, within_seconds)

    async def stop(self, grace_seconds: float) -> None:
        """SIGTERM, and SIGKILL for its whole session's group where that was not enough in time."""
        if not self.has_ended():
            self.process.terminate()
            await self.ends(grace_seconds)
        self.kill()

    def stop_and_wait(self, grace_seconds: float) -> None:
        """`stop` for a caller that may block."""
        if not self.has_ended():
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(grace_seconds)
        self.kill()

    def kill(self) -> None:
        """End it and all that it started, at once; also what outlived an orderly end."""
        with suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS: only zombies are
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(
    *command: str,
    name: str,
    environment: Mapping[str, str],
    folder: Path,
    working_folder: Path,
    stdin: Path = NOTHING,
) -> Child:
    """Run a program (an absolute path) in `working_folder`, with its output in files in `folder`.

    On Linux it gets SIGTERM if the thread that called this is gone, whatever end our process came to.
    There is no await between the start and the returned value, so no process is lost to a cancellation.

    Raises:
        StartError: this machine cannot have one more process, or file; or we run from an archive.
    """
    if not _LEASH.is_file():
        raise StartError(f"{CODE} is no folder, and files in it are to be run: install it by pip")
    stdout, stderr = folder / f"{name}.out", folder / f"{name}.err"
    leash = [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid())] if sys.platform == "linux" else []
    try:
        with stdout.open("wb") as out, stderr.open("wb") as err, stdin.open("rb") as given:
            process = subprocess.Popen(
                [*leash, *command],
                stdin=given,
                stdout=out,
                stderr=err,
                cwd=working_folder,
                env=environment,
                start_new_session=True,
            )
    except OSError as error:
        raise StartError(f"{name} cannot be started: {error.strerror}") from None
    return Child(name, process, stdout, stderr)


def with_code(code: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which Python finds modules in `code`, and then where it finds them here."""
    path = os.pathsep.join(filter(None, [str(code), str(CODE), environment.get("PYTHONPATH")]))
    return {**environment, "PYTHONPATH": path}


def start_module(
    module: str,
    *arguments: str,
    name: str,
    environment: Mapping[str, str],
    folder: Path,
    working_folder: Path,
    code: Path = CODE,
    stdin: Path = NOTHING,
) -> Child:
    """`start` ``python -m module``, from `code`; nothing from the working folder, which is somebody's.

    Raises:
        StartError: as there.
    """
    return start(
        sys.executable,
        "-P",
        "-m",
        module,
        *arguments,
        name=name,
        environment={**with_code(code, environment), "PYTHONUNBUFFERED": "1"},
        folder=folder,
        working_folder=working_folder,
        stdin=stdin,
    )


async def until_ready(child: Child, probe: Callable[[], Awaitable[str | None]]) -> str:
    """Ask `probe` again until it answers.

    Raises:
        StartError: the process ended, or the time is up.
    """
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        ended = child.has_ended()
        answer = None if ended else await probe()
        if answer is not None:
            return answer
        if ended:
            raise StartError(f"{child.name} does not start: {child.last_words()}")
        await asyncio.sleep(TICK_SECONDS)
    raise StartError(f"{child.name} was not ready within {READY_SECONDS:g} s: {child.last_words()}")
