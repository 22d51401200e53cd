from loadtest.machine import busy_share

#                user nice system idle iowait irq softirq steal guest guest_nice
BEFORE = "cpu  1000 0 1000 5000 100 0 0 0 0 0\ncpu0 1 2 3\n"


def test_a_machine_that_waits_is_not_busy() -> None:
    assert busy_share(BEFORE, "cpu  1000 0 1000 5090 110 0 0 0 0 0\n") == 0


def test_all_that_takes_a_core_counts_also_another_guest() -> None:
    assert busy_share(BEFORE, "cpu  1020 5 1010 5050 100 0 5 10 20 5\n") == 0.5


def test_between_two_looks_without_a_tick_nothing_is_known() -> None:
    assert busy_share(BEFORE, BEFORE) == 0
