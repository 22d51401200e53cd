import gc
import logging
import os
import subprocess
import sys
import warnings

import pytest

from gateway import logs

Capture = pytest.CaptureFixture[str]


def test_messages_go_to_stderr_as_lines(capfd: Capture) -> None:
    with logs.writing("info", "text", "node-1"):
        logging.getLogger("gateway.app").warning("no %s", "Redis")
    out, err = capfd.readouterr()

    assert err.endswith("Z WARNING no Redis\n")
    assert out == ""


def test_lines_are_in_the_form_that_is_asked_for(capfd: Capture) -> None:
    with logs.writing("info", "json", "node-1"):
        logging.getLogger("gateway.app").warning("no Redis")

    line = capfd.readouterr().err
    assert line.startswith("{")
    assert '"node": "node-1"' in line


@pytest.mark.parametrize(("level", "shown"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_the_level_is_the_least_severe_that_is_shown(capfd: Capture, level: str, shown: int) -> None:
    with logs.writing(level, "text", "node-1"):
        for severity in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            logging.getLogger("gateway.proxy").log(severity, "x")

    assert capfd.readouterr().err.count("\n") == shown


@pytest.mark.parametrize("library", ["asyncio", "redis", "aiohttp.server"])
def test_libraries_are_not_listened_to_below_warnings(capfd: Capture, library: str) -> None:
    with logs.writing("debug", "text", "node-1"):
        logging.getLogger(library).debug("Using selector: EpollSelector")
        logging.getLogger(library).warning("heard")

    assert capfd.readouterr().err.count("\n") == 1


def test_a_message_that_cannot_be_formatted_is_told_and_raises_nothing(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's would raise
    with logs.writing("info", "json", "node-1"):
        logging.getLogger("gateway").info("%d", "one")

    assert "a message that cannot be formatted, of " in capfd.readouterr().err


class Faulty:
    def __del__(self) -> None:
        raise ValueError("a\nforged line")


def test_what_python_itself_would_write_is_logged(capfd: Capture) -> None:
    with logs.writing("info", "json", "node-1"):
        warnings.showwarning("a warning", UserWarning, __file__, 1)
        faulty = Faulty()
        del faulty
        gc.collect()
    first, second = capfd.readouterr().err.splitlines()

    assert "a warning" in first
    assert "Faulty.__del__" in second
    assert "ValueError: a\\nforged line" in second


def test_logging_is_as_it_was_afterwards() -> None:
    root, gateway = logging.getLogger(), logging.getLogger("gateway")
    before = (list(root.handlers), root.level, gateway.level, sys.unraisablehook, warnings.showwarning)
    with logs.writing("error", "text", "node-1"):
        pass

    assert (
        list(root.handlers),
        root.level,
        gateway.level,
        sys.unraisablehook,
        warnings.showwarning,
    ) == before


def test_standard_descriptors_that_are_closed_are_not_given_to_sockets() -> None:
    def close_two() -> None:
        os.close(0)
        os.close(2)

    code = (
        "import os, socket; from gateway import logs; logs.occupy_standard_descriptors(); "
        "print(socket.socket().fileno(), os.readlink('/proc/self/fd/2'))"
    )
    end = subprocess.run(
        [sys.executable, "-c", code],
        preexec_fn=close_two,
        stdout=subprocess.PIPE,
        check=True,
    )

    socket, stderr = end.stdout.decode().split()
    assert int(socket) > 2
    assert stderr == "/dev/null"
