"""What a page of the docs tells its reader to type, and what it says comes of that.

A block of commands is one that is indented by four spaces, or fenced as `sh`. A block fenced as `text` that
comes next, with nothing between, is what the last command of it says. Comments in the page's source, which no
reader sees, say the rest; one stands before the block that it is about, alone or at a line's end:

`not run: REASON`: none of the block's commands is typed.
``not run `COMMAND`: REASON``: the commands that begin so are not.
`terminal: NAME`: it is typed in a terminal of its own, and its last command goes on until the page ends, or
until more is typed there.
``goes on: `COMMAND```: commands that begin so are typed in a terminal of their own each, and go on until the
page ends.
`exits: 1`: its last command's exit code, in place of 0.
`in time`: its last command is typed again until it says what the page says.
`exact`: before what a command says: to the letter, numbers too.

A command whose own comment, which readers see, says `exit 1 if` may exit 0 or 1.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

REASON_AT_LEAST = 20
"""Characters."""
OURS = ("not run", "terminal:", "goes on:", "exits:", "in time", "exact")
FILES = {"", "text", "ini", "json", "nginx", "python", "toml", "yaml"}
"""Fences of what is no command."""

_COMMENT = re.compile(r"<!-- (.*?) -->$")
_BEGINNING = re.compile(r"`([^`]+)`")


class PageError(ValueError):
    """A page that cannot be read in one way."""


@dataclass(slots=True)
class Block:
    """Commands that are typed one after the other; `line` is where they begin."""

    line: int
    text: str
    terminal: str | None = None
    reason: str | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    goes_on: tuple[str, ...] = ()
    exits: int = 0
    in_time: bool = False
    says: str | None = None
    is_exact: bool = False


def blocks(page: Path) -> list[Block]:
    """What is to be typed, from the top to the end.

    Raises:
        PageError: a fence that is neither, or a comment that nobody understands.
    """
    return _Reader(page).read()


class _Reader:
    def __init__(self, page: Path) -> None:
        self._page = page
        self._lines = page.read_text().splitlines()
        self._at = 0
        self._found: list[Block] = []
        self._comments: list[str] = []
        self._is_in_list = False
        self._follows: Block | None = None  # the block of commands that nothing has come after yet

    def read(self) -> list[Block]:
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.startswith("```"):
                self._fence(line[3:].strip())
            elif line.startswith("    ") and not self._is_in_list and not self._line_before():
                self._indented()
            else:
                self._prose(line.strip())
                self._at += 1
        return self._found

    def _line_before(self) -> str:
        return self._lines[self._at - 1].strip() if self._at else ""

    def _prose(self, line: str) -> None:
        if not line:
            return
        if not self._lines[self._at].startswith(" "):
            self._is_in_list = line.startswith("- ")
        comment = _COMMENT.search(line)
        if comment is not None and comment[1].startswith(OURS):
            self._comments.append(comment[1])
            line = line[: comment.start()]
        elif self._comments:
            raise self._error("a comment is about the block behind it, and here is none")
        if line:
            self._follows = None

    def _fence(self, language: str) -> None:
        begin = self._at + 1
        end = next((n for n in range(begin, len(self._lines)) if self._lines[n].startswith("```")), None)
        if end is None:
            raise self._error("a fence without an end")
        text = "\n".join(self._lines[begin:end])
        if language == "sh":
            self._commands(text)
        elif language not in FILES:
            raise self._error(f"a fence of {language}: commands are sh, what they say is text")
        elif language == "text" and self._follows is not None:
            self._follows.says = text
            self._follows.is_exact = self._comments == ["exact"]
            if self._comments and not self._follows.is_exact:
                raise self._error("before what a command says there can be: exact")
            self._follows = None
        elif self._comments:
            raise self._error("a comment about a block that is not of commands")
        else:
            self._follows = None
        self._comments = []
        self._at = end + 1

    def _indented(self) -> None:
        begin = self._at
        while self._at < len(self._lines) and (
            self._lines[self._at].startswith("    ") or not self._lines[self._at].strip()
        ):
            self._at += 1
        text = "\n".join(line[4:] for line in self._lines[begin : self._at]).strip("\n")
        self._at, end = begin, self._at
        self._commands(text)
        self._comments = []
        self._at = end

    def _commands(self, text: str) -> None:
        block = Block(self._at + 1, text)
        for comment in self._comments:
            self._about(block, comment)
        self._found.append(block)
        self._follows = block

    def _about(self, block: Block, comment: str) -> None:
        word, _, rest = comment.partition(":")
        beginnings = tuple(_BEGINNING.findall(comment))
        if word == "not run":
            block.reason = rest.strip()
        elif word.startswith("not run `"):
            block.left_out |= dict.fromkeys(beginnings, comment.rpartition("`:")[2].strip())
        elif word == "terminal":
            block.terminal = rest.strip()
        elif word == "goes on":
            block.goes_on = beginnings
        elif word == "exits":
            block.exits = int(rest)
        elif comment == "in time":
            block.in_time = True
        else:
            raise self._error(f"nobody understands: {comment}")

    def _error(self, what: str) -> PageError:
        return PageError(f"{self._page.name}, line {self._at + 1}: {what}")
