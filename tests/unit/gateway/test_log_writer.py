"""Real pipes and files: one that is read, one that is not, one that is full, one that is gone."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.log_writer import MAX_WAITING_BYTES, LogWriter

PATIENCE_SECONDS = 30.0
LINE = b"x" * 1023 + b"\n"


def loss(lines: int) -> bytes:
    return b"%d lost\n" % lines


@contextmanager
def pipe(*, blocking: bool = True) -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    os.set_blocking(writing, blocking)
    try:
        yield reading, writing
    finally:
        os.close(reading)
        os.close(writing)


def read(descriptor: int, until: Callable[[bytes], bool]) -> bytes:
    """What a pipe has to say, until it has said enough."""
    seen = b""
    while not until(seen):
        seen += os.read(descriptor, 65536)
    return seen


def told(seen: bytes) -> int:
    """How many lines are said to be lost."""
    return sum(int(line.split()[0]) for line in seen.splitlines() if line.endswith(b" lost"))


def put_many(writer: LogWriter, count: int) -> None:
    for _ in range(count):
        writer.put(LINE)


def test_lines_come_out_in_their_order() -> None:
    lines = [b"line %d\n" % number for number in range(1000)]
    with pipe() as (reading, writing):
        writer = LogWriter(writing, loss)
        for line in lines:
            writer.put(line)

        assert read(reading, lambda seen: seen.endswith(b"line 999\n")) == b"".join(lines)
        writer.close(PATIENCE_SECONDS)
        assert writer.lost == 0


def test_what_waits_at_the_end_is_written() -> None:
    with pipe() as (reading, writing):
        writer = LogWriter(writing, loss)
        writer.put(b"the last\n")
        writer.close(PATIENCE_SECONDS)

        assert os.read(reading, 100) == b"the last\n"


@pytest.mark.parametrize("blocking", [True, False])
def test_nobody_waits_for_a_reader_that_has_stopped_and_is_told_what_it_missed(blocking: bool) -> None:
    count = 2 * MAX_WAITING_BYTES // len(LINE)
    with pipe(blocking=blocking) as (reading, writing):
        writer = LogWriter(writing, loss)
        put_many(writer, count)  # would wait here for ever
        lost = writer.lost
        assert 0 < lost < count

        # The writer may have taken what was there in the middle, and then tells of a part in the middle too.
        seen = read(reading, lambda seen: seen.count(LINE) == count - lost and told(seen) == lost)
        assert len(seen.replace(LINE, b"").splitlines()) <= 2
        writer.put(b"again\n")
        assert read(reading, lambda seen: seen.endswith(b"again\n")) == b"again\n"
        writer.close(PATIENCE_SECONDS)
        assert writer.lost == lost


def test_the_end_does_not_wait_for_a_reader_that_has_stopped() -> None:
    with pipe() as (reading, writing):
        writer = LogWriter(writing, loss)
        put_many(writer, 1000)
        writer.close(0.01)  # would wait here for ever

        read(reading, lambda seen: len(seen) == 1000 * len(LINE))
        writer.close(PATIENCE_SECONDS)


def test_a_line_that_broke_off_does_not_run_into_the_next(tmp_path: Path) -> None:
    """A file that may grow to 2,000 bytes, and then further."""
    file = tmp_path / "log"
    code = f"""
import os, resource, signal, sys
from gateway.log_writer import LogWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
writer = LogWriter(os.open({str(file)!r}, os.O_WRONLY | os.O_CREAT), lambda lines: b"%d lost\\n" % lines)
for _ in range(3):
    writer.put(b"x" * 999 + b"y" * 24 + b"\\n")
while not writer.lost:
    pass
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
writer.put(b"again\\n")
writer.close()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=PATIENCE_SECONDS)

    first, torn, *rest = file.read_bytes().splitlines()
    assert (len(first), len(torn)) == (1023, 2000 - 1024)
    assert rest == [b"again", b"2 lost"]


def test_a_full_disk_loses_lines_and_stops_nobody() -> None:
    descriptor = os.open("/dev/full", os.O_WRONLY)
    try:
        writer = LogWriter(descriptor, loss)
        writer.put(b"one\n")
        writer.put(b"two\n")
        writer.close(PATIENCE_SECONDS)
    finally:
        os.close(descriptor)

    assert writer.lost == 2


def test_a_pipe_whose_reader_is_gone_loses_lines_and_stops_nobody() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        writer = LogWriter(writing, loss)
        writer.put(b"one\n")
        writer.close(PATIENCE_SECONDS)
    finally:
        os.close(writing)

    assert writer.lost == 1
