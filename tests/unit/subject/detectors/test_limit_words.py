"""The limit that refused a client is named, and no other."""

from dataclasses import replace

import pytest

from gateway.contract.limits import parse_limits
from gateway.contract.overrides import Override, Overrides
from gateway.contract.records import AuditRecord
from subject.cluster.policies import Policies
from subject.detectors.limit_words import limit_of
from tests.unit.subject.builders import START, policies

SINCE, NOW = START + 50, START + 60
TAKEN = AuditRecord(START + 55, "ann", "unset", "acme", "9/m", None, None)
GIVEN = AuditRecord(START + 55, "ann", "set", "acme", None, "900/m", None)
AGAIN = AuditRecord(START + 57, "ann", "set", "acme", None, "800/m", None)


def given(limit: str, at: float, until: float | None = None) -> Override:
    return Override(parse_limits(limit), "ann", at, until=until)


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (policies(), "its limit of 100/m (default)"),
        (
            replace(policies(), overrides=Overrides({"acme": given("9/m", START)})),
            "its limit of 9/m (override)",
        ),
        (
            replace(policies(), changes=(TAKEN,)),
            "its limit (9/m, override, until it was taken back at 22:14:15Z)",
        ),
        (
            replace(policies(), changes=(GIVEN,), overrides=Overrides({"acme": given("900/m", GIVEN.at)})),
            "its limit (100/m, default, until it was changed to 900/m at 22:14:15Z)",
        ),
        (
            replace(
                policies(), changes=(TAKEN, AGAIN), overrides=Overrides({"acme": given("800/m", AGAIN.at)})
            ),
            "its limit (9/m, override, then changed 2 times, the last time at 22:14:17Z)",
        ),
        (
            replace(policies(), ended={"acme": given("9/m", START, START + 55)}),
            "its limit (9/m, override, until it was over at 22:14:15Z)",
        ),
        (replace(policies(), changes=(replace(GIVEN, at=START),)), "its limit"),
        (replace(policies(), table_since=SINCE - 5.0), "its limit of 100/m (default)"),
        (
            replace(policies(), table_since=SINCE + 5.0),
            "its limit (now 100/m, default, by files that nodes have read since 22:14:15Z)",
        ),
        (
            replace(policies(), table_since=SINCE + 5.0, changes=(TAKEN,)),
            "its limit (9/m, override, until it was taken back at 22:14:15Z)",
        ),
        (Policies(), "its limit"),
    ],
)
def test_the_limit_that_refused_is_named_and_what_became_of_it(known: Policies, told: str) -> None:
    assert limit_of(known, "acme", SINCE, NOW) == told


def test_at_an_earlier_time_nothing_is_known_of_what_was_done_later() -> None:
    known = replace(policies(), changes=(TAKEN,))

    assert limit_of(known, "acme", SINCE, START + 54) == "its limit of 9/m (override)"
