"""What `subject why` prints of an answer."""

import io
from dataclasses import replace

from subject.output.console import PrintableConsole
from subject.output.why_report import WhyReport
from subject.why.answer import Run, why
from tests.unit.subject.builders import START, always, cluster, even, policies


def test_refusals_that_are_over_are_told_with_when_the_last_was_at_the_latest() -> None:
    answer = why(cluster(*even(always(60)), seconds=60, policies=policies("9/s")), "acme")
    run = Run(START + 40, START + 50.25, 156, is_whole=True)
    out = io.StringIO()
    report = WhyReport(PrintableConsole(file=out, width=200, color_system=None), plain=True)

    report.why(replace(answer, verdict="lately", summary="acme was refused lately", run=run), [])

    first, *_ = out.getvalue().splitlines()
    assert first == "acme was refused lately: 156 times since 22:14:00Z, the last by 22:14:10Z."
