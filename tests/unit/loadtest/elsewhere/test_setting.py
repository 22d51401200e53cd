"""The usual load of a run on a cluster that has limits of its own."""

from dataclasses import replace

import pytest

from gateway.contract.limits import Limit, parse_limits
from loadtest.elsewhere.facts import Facts
from loadtest.elsewhere.setting import made_up_keys, of_limits
from loadtest.elsewhere.target import TargetError
from loadtest.elsewhere.terms import Terms

FACTS = Facts((), parse_limits("100/m"))


def test_keys_are_made_up_anew_and_as_many_as_it_takes_for_none_to_be_refused() -> None:
    keys = made_up_keys(FACTS, 30.0)
    assert len(keys) == 161, "docs/how-to/load-test.md says so"
    assert not set(keys) & set(made_up_keys(FACTS, 30.0))


def test_more_keys_than_one_run_has_are_not_made_up() -> None:
    with pytest.raises(TargetError, match="take a lower --rate"):
        made_up_keys(FACTS, 1000.0)


def test_keys_that_share_the_limit_of_an_address_are_not_made_up() -> None:
    with pytest.raises(TargetError, match="give registered ones with --keys FILE"):
        made_up_keys(replace(FACTS, address_limit="100/m"), 30.0)


def test_a_limit_of_several_windows_has_one_that_binds() -> None:
    setting = of_limits((), (), 30.0, parse_limits("10/s,500/m"))
    assert setting.windows_text == "500/m,10/s"


def test_limits_are_told_in_requests_whatever_they_cost() -> None:
    setting = of_limits((), (), 30.0, parse_limits("100/m"), Terms(3, (Limit(30, 1),)))
    assert setting.windows_text == "33/m,10/s"


def test_what_costs_more_than_a_limit_has_is_refused() -> None:
    with pytest.raises(TargetError, match="a request costs 3 there"):
        of_limits((), (), 30.0, parse_limits("2/s"), Terms(3))
