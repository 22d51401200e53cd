"""What Docker asks, asked of a real node, a real dashboard and a real upstream."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtest import redis_server
from loadtest.ports import free_port
from tests.deployment.composed import SERVICES
from tests.deployment.dockerfile import ROOT, STAGES, image_environment

SCRIPT = ROOT / "docker/healthcheck.py"


def is_well(check: list[str], **variables: str) -> bool:
    """What the check of an image or a service says, run by this Python with these variables."""
    _, place, *arguments = check
    assert place == f"/{SCRIPT.name}"
    command = [sys.executable, str(SCRIPT), *arguments]
    run = subprocess.run(command, env=os.environ | variables, capture_output=True, timeout=10)
    return run.returncode == 0


@contextmanager
def process(command: list[str], folder: Path, **variables: str) -> Iterator[Callable[[], int | None]]:
    """A command of the project, which ends in order when it is told to."""
    started = subprocess.Popen(
        [sys.executable, "-m", *command], env=os.environ | variables, cwd=folder, stdout=subprocess.DEVNULL
    )
    try:
        yield started.poll
        started.terminate()
        assert started.wait(timeout=20) == 0
    finally:
        started.kill()
        started.wait()


def until(holds: Callable[[], bool], ended: Callable[[], int | None]) -> None:
    """Wait until it does."""
    deadline = time.monotonic() + 30
    while not holds():
        assert ended() is None
        assert time.monotonic() < deadline


def test_a_node_that_lives_is_told_from_one_that_does_not(
    shared_redis: redis_server.RedisServer, tmp_path: Path
) -> None:
    variables = {name: "127.0.0.1" for name in image_environment("gateway") if name.endswith("_HOST")}
    variables |= {"GATEWAY_PORT": str(free_port()), "GATEWAY_ADMIN_PORT": str(free_port())}
    given = {"REDIS_URL": shared_redis.url, "GATEWAY_UPSTREAM_URL": "http://127.0.0.1:9", **variables}
    check = STAGES["gateway"].check()
    assert not is_well(check, **variables)

    with process(STAGES["gateway"].command("ENTRYPOINT"), tmp_path, **given) as ended:
        until(lambda: is_well(check, **variables), ended)

    assert not is_well(check, **variables)


def test_a_dashboard_that_lives_is_told_from_one_that_does_not(
    shared_redis: redis_server.RedisServer, tmp_path: Path
) -> None:
    port = {"SUBJECT_PORT": str(free_port())}
    check = STAGES["subject"].check()
    command = [*STAGES["subject"].command("ENTRYPOINT"), *STAGES["subject"].command("CMD")]
    assert not is_well(check, **port)

    with process(command, tmp_path, REDIS_URL=shared_redis.url, **port) as ended:
        until(lambda: is_well(check, **port), ended)
        assert not is_well([*check[:2], "/nothing", *check[3:]], **port)


def test_an_upstream_that_lives_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    check = SERVICES["upstream"]["healthcheck"]["test"][1:]
    port = str(free_port())
    here = [port if word == "9000" else word for word in check]
    command = ["loadtest", *(port if word == "9000" else word for word in SERVICES["upstream"]["command"])]
    assert not is_well(here)

    with process(command, tmp_path) as ended:
        until(lambda: is_well(here), ended)
