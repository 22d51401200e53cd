from hypothesis import given
from hypothesis import strategies as st

from gateway.contract.records import HISTORY_STREAM, TELEMETRY_STREAM, ClientCount, Totals

counts = st.integers(0, 2**40)
totals = st.builds(Totals, counts, counts, counts, counts, counts)


@given(totals, totals)
def test_what_was_added_to_totals_can_be_taken_off_again(one: Totals, other: Totals) -> None:
    assert (one + other) - other == one


@given(totals)
def test_totals_start_at_nothing(one: Totals) -> None:
    assert Totals() + one == one
    assert one - one == Totals()


def test_every_outcome_is_summed() -> None:
    one = Totals(requests=15, admitted=1, refused=2, failed=4, unidentified=8)
    assert one + one == Totals(requests=30, admitted=2, refused=4, failed=8, unidentified=16)


def test_thirty_nodes_may_write_records_of_two_kilobytes() -> None:
    assert TELEMETRY_STREAM.max_entries(2000, nodes=30) == 30 * 600
    assert HISTORY_STREAM.max_entries(1500, nodes=30) > 30 * 360  # an hour, of those with less about clients


def test_every_record_is_told_and_each_tenth_kept() -> None:
    assert [number for number in range(1, 31) if TELEMETRY_STREAM.includes(number)] == list(range(1, 31))
    assert [number for number in range(1, 31) if HISTORY_STREAM.includes(number)] == [10, 20, 30]


def test_a_client_count_has_its_error_bound() -> None:
    assert ClientCount("acme", units=70, error=3) == ("acme", 70, 3)
