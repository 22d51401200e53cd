import pytest

from gateway.logs import MOST_REASONS
from gateway.proxy.trouble import QUIET_SECONDS, Trouble


@pytest.fixture
def trouble(caplog: pytest.LogCaptureFixture) -> Trouble:
    caplog.set_level("INFO")
    return Trouble("http://a:1")


def test_each_reason_is_told_once_and_then_that_it_works(
    trouble: Trouble, caplog: pytest.LogCaptureFixture
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
    trouble: Trouble, caplog: pytest.LogCaptureFixture
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
    trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    trouble.failed("closed", 0.0)
    trouble.worked(0.0)
    caplog.clear()
    trouble.failed("silent", QUIET_SECONDS - 1)
    trouble.failed("silent", QUIET_SECONDS)

    assert caplog.messages == ["the upstream http://a:1: silent"]


def test_reasons_that_are_always_new_do_not_fill_the_log(
    trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(100):
        trouble.failed(f"reason {number}", 0.0)

    assert len(caplog.records) == MOST_REASONS
