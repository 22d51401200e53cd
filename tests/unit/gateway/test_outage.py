import logging

import pytest

from gateway.outage import MOST_REASONS, Outage

QUIET_SECONDS = 60.0


@pytest.fixture
def trouble(caplog: pytest.LogCaptureFixture) -> Outage:
    caplog.set_level("INFO")
    return Outage(logging.getLogger("test"), "the upstream http://a:1", QUIET_SECONDS)


def test_each_reason_is_told_once_and_then_that_it_works(
    trouble: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    trouble.worked(1.0)
    for reason in ("closed", "refused", "closed", "refused"):
        trouble.failed(reason, 1.0)
    trouble.worked(2.0)
    trouble.worked(2.0)

    assert caplog.messages == [
        "the upstream http://a:1: closed",
        "the upstream http://a:1: refused",
        "the upstream http://a:1 works again, after 4 failures",
    ]


def test_what_comes_and_goes_is_told_now_and_then_with_its_number(
    trouble: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    for second in range(int(2 * QUIET_SECONDS)):
        trouble.failed("closed", float(second))
        trouble.worked(float(second))

    assert caplog.messages == [
        "the upstream http://a:1: closed",
        "the upstream http://a:1 works again, after 1 failures",
        "the upstream http://a:1: closed",
        f"the upstream http://a:1 works again, after {QUIET_SECONDS:.0f} failures",
    ]


def test_what_lasts_is_told_though_it_began_in_the_quiet_time(
    trouble: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    trouble.failed("closed", 0.0)
    trouble.worked(0.0)
    caplog.clear()
    trouble.failed("silent", QUIET_SECONDS - 1)
    trouble.failed("silent", QUIET_SECONDS)

    assert caplog.messages == ["the upstream http://a:1: silent"]


def test_reasons_that_are_always_new_do_not_fill_the_log(
    trouble: Outage, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(100):
        trouble.failed(f"reason {number}", 0.0)

    assert len(caplog.records) == MOST_REASONS


def test_an_outage_is_told_once_for_each_reason_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage(logging.getLogger("test"), "the store")

    with caplog.at_level("INFO"):
        for reason in ("closed", "refused", "closed", "refused"):
            outage.failed(reason)
        assert outage.reason == "refused"
        outage.worked()
        outage.worked()
        outage.failed("closed")

    assert outage.reason == "closed"
    assert [record.getMessage() for record in caplog.records] == [
        "the store: closed",
        "the store: refused",
        "the store works again, after 4 failures",
        "the store: closed",
    ]


def test_without_a_quiet_time_it_is_the_same(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage(logging.getLogger("test"), "the store")

    for number in range(100):
        outage.failed(f"reason {number}")

    assert len(caplog.records) == MOST_REASONS
