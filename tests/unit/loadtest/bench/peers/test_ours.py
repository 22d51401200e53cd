from gateway.version import COMPILED, FULL_VERSION
from loadtest.bench.peers.ours import OURS, SOURCE


def test_what_is_measured_says_itself_what_it_is() -> None:
    assert OURS.version() == f"this gateway {FULL_VERSION}"
    assert OURS.missing() is None


def test_the_source_is_measured_only_beside_what_is_compiled() -> None:
    assert (SOURCE.missing() is None) == COMPILED
    assert SOURCE.version().endswith("(not compiled)")
