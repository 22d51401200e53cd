"""A terminal in which a page's commands are typed."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BASH = shutil.which("bash") or "bash"
COMMAND_SECONDS = 60.0
END_SECONDS = 15.0
TICK_SECONDS = 0.05


def commands(text: str) -> list[str]:
    """A block's commands, each with the lines that belong to it."""
    found: list[str] = []
    gathered: list[str] = []
    for line in text.splitlines():
        if not gathered and (not line.strip() or line.lstrip().startswith("#")):
            continue
        gathered.append(line)
        if _is_whole("\n".join(gathered)):
            found.append("\n".join(gathered))
            gathered = []
    if gathered:
        raise ValueError(f"no shell takes this for a command: {gathered[0]}")
    return found


def _is_whole(text: str) -> bool:
    """Whether a shell would not wait for more; of a here-document without an end it warns only."""
    if text.endswith("\\"):
        return False
    if not re.search(r"[<'\"`({\\]|\b(?:for|while|if|case|do)\b", text):
        return True
    told = subprocess.run([BASH, "-n", "-c", text], capture_output=True, check=False, timeout=10)
    return told.returncode == 0 and not told.stderr


@dataclass(frozen=True, slots=True)
class Running:
    """A command that was typed, and what it has said so far."""

    process: subprocess.Popen[bytes]
    output: Path

    @property
    def said(self) -> str:
        return self.output.read_text(errors="replace")

    def ends(self, within_seconds: float) -> bool:
        try:
            self.process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def interrupt(self) -> None:
        """Ctrl-C, and what is stronger where that was not enough."""
        for number in (signal.SIGINT, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            if self.ends(END_SECONDS):
                break
        self.process.wait()


class Terminal:
    """One shell as its user sees it: what was exported stays so, and `cd` holds.

    Each command is a process group of its own, so that one can be interrupted, and the shell's state goes
    from one to the next by a file. Variables are exported whether or not the page says so.
    """

    def __init__(self, folder: Path, start: Path, environment: Mapping[str, str]) -> None:
        folder.mkdir()
        self._folder, self._count = folder, 0
        self._state, self._place = folder / "state", folder / "place"
        self._state.write_text("".join(f"export {n}={shlex.quote(v)}\n" for n, v in environment.items()))
        self._place.write_text(f"{start}\n")
        self.running: Running | None = None

    def another(self, folder: Path) -> "Terminal":
        """One in whose shell all is as it is in this one's."""
        made = Terminal(folder, Path(self._place.read_text().strip()), {})
        made._state.write_text(self._state.read_text())
        return made

    def start(self, command: str) -> Running:
        """Type it. What still runs here is interrupted first."""
        self.close()
        self._count += 1
        output = self._folder / f"{self._count}.out"
        script = self._folder / f"{self._count}.sh"
        script.write_text(
            f'. {self._state}\ncd "$(cat {self._place})"\nset -a\n{command}\ncode=$?\nset +a\n'
            f"export -p >{self._state}; pwd >{self._place}; exit $code\n"
        )
        with output.open("wb") as out:
            process = subprocess.Popen(
                [BASH, "--noprofile", "--norc", str(script)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={"HOME": str(self._folder)},
                start_new_session=True,
            )
        self.running = Running(process, output)
        return self.running

    def run(self, command: str) -> tuple[int, str]:
        """Type it, wait for its end, and give its exit code and what it said."""
        running = self.start(command)
        if not running.ends(COMMAND_SECONDS):
            self.close()
            return -1, f"{running.said}\n(it still ran after {COMMAND_SECONDS:g} s)"
        self.running = None
        return running.process.returncode, running.said

    def close(self) -> None:
        """End what runs here."""
        if self.running is not None:
            self.running.interrupt()
            self.running = None


def wait(until_seconds: float) -> bool:
    """A tick, as long as there is time."""
    time.sleep(TICK_SECONDS)
    return time.monotonic() < until_seconds
