"""What a run came to, as JSON."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from loadtest import outcome_document
from loadtest.elsewhere.target import Target
from loadtest.play import Played
from loadtest.run_report import series
from loadtest.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Run:
    """One run, what it came to, and where it was: no target stands for a cluster of its own."""

    played: Played
    verdict: Verdict
    seed: int
    began_at: float  # seconds since 1970
    target: Target | None = None


def text(run: Run) -> str:
    """The whole of it."""
    return json.dumps(document(run), ensure_ascii=False)


def document(run: Run) -> dict[str, Any]:
    """Times are seconds since 1970."""
    setting, verdict, reports = run.played.setting, run.verdict, run.played.reports
    busiest = verdict.busiest
    return {
        "verdict": verdict.word,
        "passed": verdict.word == "passed",
        "failures": list(verdict.failures),
        "open_questions": list(verdict.unjudged),
        "not_judged": list(verdict.not_judged),
        "seed": run.seed,
        "began_at": run.began_at,
        "own_cluster": run.target is None,
        "urls": None if run.target is None else list(run.target.urls),
        "nodes": list(setting.node_ids),
        "clients": len(setting.clients),
        "limit": setting.windows_text,
        "plans": {name: str(limit) for name, limit in setting.plans.items()},
        "usual_rate": setting.rate_per_second,
        "requests_counted_alike": verdict.counted,
        "fullest_window": None
        if busiest is None
        else {"requests": busiest.largest, "limit": str(busiest.limit), "by": verdict.limits_by},
        "scenarios": [
            {**outcome_document.document(outcome), "open_questions": list(outcome.unjudged)}
            for outcome in verdict.outcomes
        ],
        "findings": [
            {
                "code": span.finding.code,
                "subject": asdict(span.finding.subject),
                "severity": span.finding.severity,
                "summary": span.finding.summary,
                "likely_cause": span.finding.likely_cause,
                "suggested_action": span.finding.suggested_action,
                "began_at": span.began_at,
                "ended_at": span.ended_at,
            }
            for span in series.spans(reports)
        ],
        "series": {
            node_id: [asdict(point) for point in points] for node_id, points in series.points(reports).items()
        },
    }
