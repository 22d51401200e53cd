"""What an evaluation found, as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from loadtest import outcome_document
from loadtest.evaluation import scoring
from loadtest.evaluation.aims import AIMS
from loadtest.evaluation.score import Figures, Score, by_code
from loadtest.evaluation.scoring import Scored
from loadtest.evaluation.sweep import Tried


def text(scores: Mapping[str, Score], tried: Sequence[Tried], failures: Sequence[str]) -> str:
    """The whole of it; `scores` by purpose, and what was `tried` on the choosing seeds."""
    whole = {
        "failures": list(failures),
        "thresholds": scoring.thresholds(),
        "aims": [{"what": aim.what, "at_least": aim.least, "at_most": aim.most} for aim in AIMS],
        "scores": {purpose: _score(score) for purpose, score in scores.items()},
        "other_thresholds": [
            {"thresholds": one.thresholds, "aims": {aim.what: aim.figure(one.score) for aim in AIMS}}
            for one in tried
        ],
    }
    return json.dumps(whole, ensure_ascii=False)


def _score(score: Score) -> dict[str, Any]:
    return {
        "aims": {aim.what: aim.figure(score) for aim in AIMS},
        "in_all": _figures(score.figures),
        "by_code": {code: _figures(figures) for code, figures in by_code(score.anomalies).items()},
        "benign_hours": score.benign_hours,
        "false_alarms_in_benign": score.false_in_benign,
        "badly_grouped": len(score.badly_grouped),
        "runs": [_run(scored) for scored in score.runs],
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "expected": figures.expected,
        "found": figures.found,
        "false_alarms": figures.false_alarms,
        "recall": figures.recall,
        "precision": figures.precision,
        "seconds_to_find": list(figures.to_find),
        "seconds_to_clear": list(figures.to_clear),
    }


def _run(scored: Scored) -> dict[str, Any]:
    return {
        "name": scored.run.name,
        "intensity": scored.run.intensity,
        "usual_rate": scored.run.rate_per_second,
        "looks": scored.looks,
        "looks_that_differ": scored.differing,
        "requests_counted_alike": scored.books.counted,
        "failures": list(scored.books.failures),
        "scenarios": [outcome_document.document(outcome) for outcome in scored.outcomes],
    }
