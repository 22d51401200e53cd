"""What the subject says while a run lasts, and telling what changed of it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from loadtest.progress import Progress
from loadtest.subject_commands import Finding, Identity, Report
from loadtest.verdict import Asked


@dataclass(slots=True)
class Watch:
    """All reports so far. What a finding explains, its symptoms, is told or not."""

    coming: AsyncIterator[Asked]
    progress: Progress
    reports: list[Asked] = field(default_factory=list)
    tells_symptoms: bool = True

    async def run(self) -> None:
        """Until cancelled.

        Raises:
            SubjectError: the subject does not answer as it should.
        """
        told: set[Identity] = set()
        async for asked in self.coming:
            told = self._tell(told, asked.report)
            self.reports.append(asked)

    def since(self, at: float) -> list[Asked]:
        """What was answered at this time or later (seconds since 1970)."""
        return [asked for asked in self.reports if asked.at >= at]

    def _tell(self, told: set[Identity], report: Report) -> set[Identity]:
        """What is found and has been told by now."""
        for finding in report.findings if self.tells_symptoms else _causes(report):
            if finding.identity not in told:
                self.progress.say(f"  subject: {finding.summary}", style="yellow")
                told.add(finding.identity)
        if told and not report.findings:
            self.progress.say("  subject: all clear", style="green")
        return told & {finding.identity for finding in report.findings}


def _causes(report: Report) -> list[Finding]:
    """Those that are problems of their own."""
    heads = {(problem.code, problem.subject) for problem in report.problems}
    return [finding for finding in report.findings if (finding.code, finding.subject) in heads]
