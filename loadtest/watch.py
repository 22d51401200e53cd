"""What the subject says while a run lasts, and telling what changed of it."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from loadtest.progress import Progress
from loadtest.subject_commands import Finding, Subject
from loadtest.verdict import Asked

POLL_SECONDS = 2.0


async def asked(subject: Subject) -> AsyncIterator[Asked]:
    """What a new ``subject diagnose`` says, every two seconds.

    Raises:
        SubjectError: the subject does not answer as it should.
    """
    while True:
        due = time.monotonic() + POLL_SECONDS
        asked_at = time.time()
        report = await subject.diagnose()
        yield Asked(asked_at, time.time(), report)
        await asyncio.sleep(max(0.0, due - time.monotonic()))


@dataclass(slots=True)
class Watch:
    """All reports so far."""

    coming: AsyncIterator[Asked]
    progress: Progress
    reports: list[Asked] = field(default_factory=list)

    async def run(self) -> None:
        """Until cancelled.

        Raises:
            SubjectError: the subject does not answer as it should.
        """
        async for asked in self.coming:
            self._tell(self.findings, asked.report.findings)
            self.reports.append(asked)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the last report says."""
        return self.reports[-1].report.findings if self.reports else ()

    def since(self, at: float) -> list[Asked]:
        """What was answered at this time or later (seconds since 1970)."""
        return [asked for asked in self.reports if asked.at >= at]

    def _tell(self, before: tuple[Finding, ...], now: tuple[Finding, ...]) -> None:
        known = {finding.identity for finding in before}
        for finding in now:
            if finding.identity not in known:
                self.progress.say(f"  subject: {finding.summary}", style="yellow")
        if before and not now:
            self.progress.say("  subject: all clear", style="green")
