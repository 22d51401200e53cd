"""What the subject says, asked as a user would: by its command, in a process of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gateway.contract.records import RecordError, Totals, decode
from loadtest.child import NOTHING, Child, start_module

ANSWER_SECONDS = 30.0
_WRONG_USE = 2
Answer = TypeVar("Answer")
Identity = tuple[str, str, str]
"""A finding's code, and the kind and id of what it is about: the same in two reports of the same finding."""


class SubjectError(RuntimeError):
    """The subject did not answer as it should; the message is one sentence."""


class WrongUseError(SubjectError):
    """It was asked for something that cannot be (exit code 2), and says in `told` what."""

    def __init__(self, command: str, last_words: str) -> None:
        """Of what it said last."""
        super().__init__(f"subject {command} exited with {_WRONG_USE}: {last_words}")
        self.told = last_words.removeprefix("subject: ")


@dataclass(frozen=True, slots=True)
class About:
    """What a finding is about."""

    kind: str  # node | client | cluster
    id: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, as far as a verdict and a reader need it."""

    code: str
    subject: About
    severity: str
    summary: str
    likely_cause: str
    suggested_action: str
    since: float = 0.0  # seconds since 1970, by Redis' clock
    confidence: float = 1.0

    @property
    def identity(self) -> Identity:
        """By what it is known."""
        return self.code, self.subject.kind, self.subject.id

    def __str__(self) -> str:
        """As the progress shows it."""
        return f"{self.code} ({self.subject.id})"


@dataclass(frozen=True, slots=True)
class Problem:
    """Findings that share a cause, named by the one that explains the others."""

    code: str
    subject: About

    def __str__(self) -> str:
        """As a verdict shows it."""
        return f"{self.code} ({self.subject.id})"


@dataclass(frozen=True, slots=True)
class NodeFigures:
    """One node at one look of ``subject watch``; None where it cannot be seen. Its counts are those of all
    its boots, as it published them at `last_seen`."""

    id: str
    totals: Totals | None = None
    last_seen: float | None = None
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """One answer of ``subject diagnose --json``, or a line of ``watch --json``, which has the nodes too."""

    at: float  # seconds since 1970, by Redis' clock
    healthy: bool
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...] = ()
    nodes: tuple[NodeFigures, ...] = ()


@dataclass(frozen=True, slots=True)
class _Node:
    """One node, and its requests by outcome since it started."""

    id: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class _Nodes:
    """One answer of ``subject nodes --json``."""

    nodes: tuple[_Node, ...]


@dataclass(slots=True)
class Subject:
    """The subject's commands, against one Redis."""

    environment: Mapping[str, str]
    folder: Path
    working_folder: Path | None = None  # where paths in its settings begin; None: in `folder`
    asked: int = 0

    async def node_totals(self) -> dict[str, Totals]:
        """Each node's counts.

        Raises:
            SubjectError: no answer in time, or none that can be read.
        """
        return {node.id: node.totals for node in (await self.ask(_Nodes, "nodes")).nodes}

    async def ask(self, kind: type[Answer], *command: str) -> Answer:
        """What a command says.

        Raises:
            SubjectError: as above.
        """
        return parse(kind, command[0], await self.text(*command))

    async def text(self, *command: str, stdin: Path = NOTHING) -> str:
        """The JSON that a command prints, which may read a file as its standard input.

        Raises:
            SubjectError: as above.
        """
        self.asked += 1
        child = start_module(
            "subject",
            *command,
            "--json",
            name=f"subject-{self.asked}",
            environment=self.environment,
            folder=self.folder,
            working_folder=self.working_folder or self.folder,
            stdin=stdin,
        )
        try:
            if not await child.ends(ANSWER_SECONDS):
                raise SubjectError(f"subject {command[0]} did not answer within {ANSWER_SECONDS:g} s")
            return _output(child, command[0])
        finally:
            child.kill()
            child.stdout.unlink()
            child.stderr.unlink()


def _output(child: Child, command: str) -> str:
    """What it printed; exit code 1 says that there are findings (or that it broke), 3 that it is blind."""
    code, text = child.process.returncode, child.stdout.read_text()
    if code == _WRONG_USE:
        raise WrongUseError(command, child.last_words())
    if code not in (0, 1, 3) or not text:
        raise SubjectError(f"subject {command} exited with {code}: {child.last_words()}")
    return text


def parse(kind: type[Answer], command: str, text: str) -> Answer:
    """Read the JSON that a command printed; what `kind` does not have is left out.

    Raises:
        SubjectError: it is not that.
    """
    try:
        return decode(kind, text)
    except RecordError as error:
        raise SubjectError(f"subject {command} printed no answer that can be read: {error}") from None
