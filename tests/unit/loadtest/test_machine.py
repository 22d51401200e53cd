import platform
from pathlib import Path

from loadtest.machine import busy_share, processor

#                user nice system idle iowait irq softirq steal guest guest_nice
BEFORE = "cpu  1000 0 1000 5000 100 0 0 0 0 0\ncpu0 1 2 3\n"


def test_a_machine_that_waits_is_not_busy() -> None:
    assert busy_share(BEFORE, "cpu  1000 0 1000 5090 110 0 0 0 0 0\n") == 0


def test_all_that_takes_a_core_counts_also_another_guest() -> None:
    assert busy_share(BEFORE, "cpu  1020 5 1010 5050 100 0 5 10 20 5\n") == 0.5


def test_between_two_looks_without_a_tick_nothing_is_known() -> None:
    assert busy_share(BEFORE, BEFORE) == 0


def test_a_processor_has_its_name_where_the_system_tells_it_and_else_its_kind(tmp_path: Path) -> None:
    told, untold, missing = tmp_path / "told", tmp_path / "untold", tmp_path / "missing"
    told.write_text("processor\t: 0\nmodel name\t: Fast 9000\n")
    untold.write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")

    assert processor(told) == "Fast 9000"
    assert processor(untold) == processor(missing) == platform.machine()
