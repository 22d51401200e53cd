"""What of an outcome nobody can judge from outside: what may be others', or from before, or was not seen."""

from collections.abc import Collection
from dataclasses import replace

from loadtest.subject_commands import Finding, Identity
from loadtest.verdict import Outcome

OF_A_SHARE = ("hot_key", "spike_single")
"""What is found of a client by its share of all: others make that smaller."""

NEVER_OF_TRAFFIC = frozenset(
    ("node_down", "node_flapping", "node_id_conflict", "config_drift", "clock_skew", "override_malformed")
)
"""What nobody's requests bring about."""

BLIND, STORE, CONFIRMED = "observer_blind", "store_down", 0.9
"""The subject sees nothing; or Redis does not answer it, of which it is so sure where nodes say the same."""


def beside_others(outcome: Outcome) -> Outcome:
    """What is found of nodes and cluster, or is not, may be for others' traffic."""
    missing = [sign for sign in outcome.missing if sign.kind != "client" or sign.code in OF_A_SHARE]
    found = [one for one in outcome.false_alarms if _may_be_of_others(one)]
    return replace(
        outcome,
        missing=tuple(sign for sign in outcome.missing if sign not in missing),
        false_alarms=tuple(one for one in outcome.false_alarms if one not in found),
        stayed=tuple(one for one in outcome.stayed if not _may_be_of_others(one)),
        problems=None,
        unjudged=(
            *outcome.unjudged,
            *(f"{sign} was not found, beside others' traffic" for sign in missing),
            *(f"{one} was found, beside others' traffic: {one.summary}" for one in found),
        ),
    )


def _may_be_of_others(finding: Finding) -> bool:
    return finding.subject.kind != "client" and finding.code not in NEVER_OF_TRAFFIC


def without_known(outcome: Outcome, still_known: Collection[Identity]) -> Outcome:
    """What has been there all the time cannot be told from what was put there."""
    known = [sign for sign in outcome.missing if any(sign.matches(*identity) for identity in still_known)]
    return replace(
        outcome,
        missing=tuple(sign for sign in outcome.missing if sign not in known),
        unjudged=(
            *outcome.unjudged,
            *(f"{sign} has been there since before the run" for sign in known),
        ),
    )


def without_blindness(outcome: Outcome) -> Outcome:
    """Where only the subject does not see what there is, nobody knows what else there was."""
    blind = [one for one in (*outcome.false_alarms, *outcome.stayed) if _is_blind(one)]
    if not blind:
        return outcome
    return replace(
        outcome,
        missing=(),
        false_alarms=tuple(one for one in outcome.false_alarms if not _is_blind(one)),
        stayed=tuple(one for one in outcome.stayed if not _is_blind(one)),
        problems=None,
        unjudged=(
            *outcome.unjudged,
            f"from here it could not be seen: {blind[0].summary}",
            *(f"{sign} was not found" for sign in outcome.missing),
        ),
    )


def _is_blind(finding: Finding) -> bool:
    return finding.code == BLIND or (finding.code == STORE and finding.confidence < CONFIRMED)
