"""A reader who does all that a page says, in order, and believes nothing."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.pages import comparison
from tests.pages.page import Block
from tests.pages.terminal import COMMAND_SECONDS, Terminal, commands, wait

STARTED_SECONDS = 30.0
MAY_FIND = "exit 1 if"


class WrongError(AssertionError):
    """A page says what is not so."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where what a page names is here: ports by number and folders by path."""

    ports: Mapping[int, int]
    folders: Mapping[str, Path]

    def here(self, text: str) -> str:
        for path, folder in self.folders.items():
            text = text.replace(path, str(folder))
        numbers = "|".join(map(str, self.ports))
        return re.sub(rf"(?<![\w.,])({numbers})(?!\w)", lambda found: str(self.ports[int(found[1])]), text)


class Reading:
    """One page, read from the top to the end."""

    def __init__(self, page: Path, folder: Path, start: Path, places: Places, env: Mapping[str, str]) -> None:
        self._page, self._folder, self._start, self._places, self._env = page, folder, start, places, env
        self._terminals: dict[str, Terminal] = {}

    def do(self, block: Block) -> None:
        """Type what is to be typed, and compare.

        Raises:
            WrongError: a command failed, or did not say what the page says.
        """
        if block.reason is not None:
            return
        terminal = self._terminal(block.terminal or "reader")
        typed = [one for one in commands(block.text) if not one.startswith(tuple(block.left_out))]
        for command in typed:
            is_last = command is typed[-1]
            says = block.says if is_last else None
            if is_last and block.terminal is not None:
                self._start_one(block, terminal, command, says)
            elif block.goes_on and command.startswith(block.goes_on):
                self._start_one(block, self._beside(terminal), command, says)
            elif is_last and block.in_time:
                self._again(block, terminal, command)
            else:
                self._once(block, terminal, command, says, block.exits if is_last else 0)

    def end(self) -> None:
        """See that what goes on has done so.

        Raises:
            WrongError: something of it ended by itself.
        """
        for terminal in self._terminals.values():
            if (running := terminal.running) is not None and running.ends(0):
                raise WrongError(f"{self._page.name}: what goes on has ended:\n{running.said}")

    def close(self) -> None:
        """End all that goes on, the last first."""
        for terminal in reversed(self._terminals.values()):
            terminal.close()

    def _terminal(self, name: str) -> Terminal:
        if name not in self._terminals:
            self._terminals[name] = Terminal(self._folder / name, self._start, self._env)
        return self._terminals[name]

    def _beside(self, terminal: Terminal) -> Terminal:
        """One more, in which all has been typed that was in this one."""
        name = f"beside-{len(self._terminals)}"
        self._terminals[name] = terminal.another(self._folder / name)
        return self._terminals[name]

    def _once(self, block: Block, terminal: Terminal, command: str, says: str | None, exits: int) -> None:
        code, said = terminal.run(self._places.here(command))
        if code != exits and not (code == 1 and MAY_FIND in command):
            raise self._wrong(block, command, f"exits {code}", said)
        if says is not None and not self._is_said(block, says, said):
            raise self._wrong(block, command, "does not say what the page says", said)

    def _again(self, block: Block, terminal: Terminal, command: str) -> None:
        end = time.monotonic() + COMMAND_SECONDS
        while True:
            code, said = terminal.run(self._places.here(command))
            if code == block.exits and (block.says is None or self._is_said(block, block.says, said)):
                return
            if not wait(end):
                raise self._wrong(block, command, f"exits {code}, and says it not in time", said)

    def _start_one(self, block: Block, terminal: Terminal, command: str, says: str | None) -> None:
        running = terminal.start(self._places.here(command))
        end = time.monotonic() + STARTED_SECONDS
        if says is None and block.terminal is not None:
            return
        while not (running.said if says is None else self._is_said(block, says, running.said)):
            if running.ends(0) or not wait(end):
                raise self._wrong(block, command, "does not go on, or says something else", running.said)

    def _is_said(self, block: Block, says: str, said: str) -> bool:
        shown = comparison.pattern(self._places.here(says), is_exact=block.is_exact)
        return shown.search(said) is not None

    def _wrong(self, block: Block, command: str, what: str, said: str) -> WrongError:
        shown = "" if block.says is None else f"\n--- the page says\n{block.says}"
        return WrongError(
            f"{self._page.name}, line {block.line}: {command}\n{what}{shown}\n--- it says\n{said}"
        )
