"""What the subject says, asked as a user would: by its command, in a process of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtest.child import Child, start_module

ANSWER_SECONDS = 15.0


class DiagnosisError(RuntimeError):
    """The subject did not answer as it should; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, as far as a verdict and a reader need it."""

    code: str
    kind: str  # node | client | cluster
    subject_id: str
    severity: str
    summary: str
    likely_cause: str
    suggested_action: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """What is the same in two reports of the same finding."""
        return self.code, self.kind, self.subject_id

    def __str__(self) -> str:
        """As the progress shows it."""
        return f"{self.code} ({self.subject_id})"


@dataclass(frozen=True, slots=True)
class Report:
    """One answer of ``subject diagnose --json``."""

    at: float  # seconds since 1970, by Redis' clock
    healthy: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class NodeTotals:
    """Requests of one node by outcome, since it started."""

    requests: int
    admitted: int
    refused: int
    failed: int
    unidentified: int


@dataclass(slots=True)
class Subject:
    """The subject's commands, against one Redis."""

    environment: Mapping[str, str]
    folder: Path
    asked: int = 0

    async def diagnose(self) -> Report:
        """What is wrong now.

        Raises:
            DiagnosisError: no answer in time, or none that can be read.
        """
        return parse_report(await self._ask("diagnose"))

    async def node_totals(self) -> dict[str, NodeTotals]:
        """Each node's counts."""
        return parse_node_totals(await self._ask("nodes"))

    async def _ask(self, command: str) -> str:
        self.asked += 1
        child = start_module(
            "subject",
            command,
            "--json",
            name=f"subject-{self.asked}",
            environment=self.environment,
            folder=self.folder,
            working_folder=self.folder,
        )
        try:
            if not await child.ends(ANSWER_SECONDS):
                raise DiagnosisError(f"subject {command} did not answer within {ANSWER_SECONDS:g} s")
            return _output(child, command)
        finally:
            child.kill()
            child.stdout.unlink()
            child.stderr.unlink()


def _output(child: Child, command: str) -> str:
    """What it printed; exit code 1 says that there are findings, or else that it broke."""
    code, text = child.process.returncode, child.stdout.read_text()
    if code not in (0, 1) or not text:
        raise DiagnosisError(f"subject {command} exited with {code}: {child.last_words()}")
    return text


def parse_report(text: str) -> Report:
    """Read the JSON of ``diagnose`` (DESIGN §5).

    Raises:
        DiagnosisError: it is not that.
    """
    try:
        document = json.loads(text)
        findings = tuple(_finding(item) for item in document["findings"])
        return Report(float(document["at"]), bool(document["healthy"]), findings)
    except (ValueError, TypeError, KeyError) as error:
        raise DiagnosisError(f"subject diagnose printed no report: {error!r}") from None


def _finding(item: Mapping[str, Any]) -> Finding:
    return Finding(
        code=item["code"],
        kind=item["subject"]["kind"],
        subject_id=item["subject"]["id"],
        severity=item["severity"],
        summary=item["summary"],
        likely_cause=item["likely_cause"],
        suggested_action=item["suggested_action"],
    )


def parse_node_totals(text: str) -> dict[str, NodeTotals]:
    """Read the totals out of the JSON of ``nodes`` (DESIGN §5).

    Raises:
        DiagnosisError: it is not that.
    """
    try:
        return {
            node["id"]: NodeTotals(**{name: node["totals"][name] for name in NodeTotals.__slots__})
            for node in json.loads(text)["nodes"]
        }
    except (ValueError, TypeError, KeyError) as error:
        raise DiagnosisError(f"subject nodes printed no nodes: {error!r}") from None
