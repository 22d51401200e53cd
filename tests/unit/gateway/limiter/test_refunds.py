"""What goes back to Redis."""

from gateway.contract import window
from gateway.limiter.batch import Refunds
from tests.unit.gateway.limiter.pipelines import commands

NOW = 1_800_000_000_000_000
THIS = window.sub_interval(NOW, 60)


def test_units_for_one_sub_interval_go_back_together_and_once() -> None:
    corrections = Refunds(lambda: None)
    corrections.refund("k", 60, THIS, 2)
    corrections.refund("k", 60, THIS, 3)
    assert ("HINCRBY", "k", THIS, -5) in commands(corrections.take(NOW)[0])
    assert corrections.take(NOW)[0] == []


def test_a_correction_renews_the_expiry_so_that_no_key_is_left_without_one() -> None:
    corrections = Refunds(lambda: None)
    corrections.refund("k", 60, THIS, 1)
    assert commands(corrections.take(NOW)[0])[-1] == ("PEXPIRE", "k", window.key_lifetime_ms(60))


def test_nothing_goes_back_to_a_sub_interval_near_the_tail() -> None:
    corrections = Refunds(lambda: None)
    corrections.refund("k", 60, window.oldest_counted(NOW, 60) + 1, 1)
    assert corrections.take(NOW)[0] == []
    corrections.refund("k", 60, window.oldest_counted(NOW, 60) + 2, 1)
    assert len(corrections.take(NOW)[0]) == 2


def test_the_owner_is_called_for_the_first_correction_only() -> None:
    calls: list[int] = []
    corrections = Refunds(lambda: calls.append(1))
    corrections.refund("k", 60, THIS, 1)
    corrections.delete("k", 60, [THIS - 99])
    corrections.refund("other", 60, THIS, 1)
    assert len(calls) == 1
    corrections.take(NOW)
    corrections.refund("k", 60, THIS, 1)
    assert len(calls) == 2


def test_nothing_to_correct_is_no_correction() -> None:
    calls: list[int] = []
    corrections = Refunds(lambda: calls.append(1))
    corrections.refund("k", 60, THIS, 0)
    corrections.delete("k", 60, [])
    assert calls == []
    assert corrections.take(NOW)[0] == []
