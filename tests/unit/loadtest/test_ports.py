"""A port that was given out is nobody else's, though nothing listens there yet."""

import subprocess
import sys

import pytest

from loadtest import ports
from loadtest.child import StartError

ANOTHER_PROCESS = """
from loadtest import ports
ports.PORTS = [int(port) for port in {taken}]
ports.free_port()
"""


def test_no_port_is_given_out_twice_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ports.free_port()
    monkeypatch.setattr(ports, "PORTS", [first])

    with pytest.raises(StartError, match="no free TCP port"):
        ports.free_port()


def test_another_process_does_not_get_it() -> None:
    taken = [ports.free_port() for _ in range(3)]

    asked = subprocess.run(
        [sys.executable, "-c", ANOTHER_PROCESS.format(taken=taken)], capture_output=True, text=True
    )

    assert "no free TCP port" in asked.stderr


def test_reservations_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    first = ports.free_port()
    for _ in range(ports.RESERVED_AT_MOST):
        ports.free_port()
    monkeypatch.setattr(ports, "PORTS", [first])

    assert ports.free_port() == first
