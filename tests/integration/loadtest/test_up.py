"""`loadtest up` as a process, with signals at any moment."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from redis.asyncio import Redis

from loadtest import cluster, redis_server
from loadtest.child import CODE
from tests.integration.loadtest.processes import alive, silent_program, started_by

END_SECONDS = 15.0


@contextmanager
def start(tmp_path: Path, *arguments: str, **environment: str) -> "Iterator[subprocess.Popen[str]]":
    """Start ``loadtest up`` with its temporary files in `tmp_path`; no test that fails waits for it."""
    with subprocess.Popen(
        [sys.executable, "-m", "loadtest", "up", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**cluster.own_environment(), "TMPDIR": str(tmp_path), **environment},
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def first_line(process: "subprocess.Popen[str]") -> Any:
    """What it says when all are ready, as JSON."""
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def told(process: "subprocess.Popen[str]") -> list[str]:
    """The same for people, line by line."""
    assert process.stdout is not None
    return list(iter(process.stdout.readline, "Ctrl-C stops everything.\n"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_line_of_json_says_where_all_is_and_a_signal_stops_it(number: int, tmp_path: Path) -> None:
    with start(tmp_path, "--nodes", "2", "--json") as process:
        ready = first_line(process)
        pids = started_by(process.pid)
        assert set(ready) == {"redis_url", "upstream_url", "nodes"}
        assert [node["id"] for node in ready["nodes"]] == ["node-1", "node-2"]
        assert {node["pid"] for node in ready["nodes"]} < pids
        for node in ready["nodes"]:
            assert set(node) == {"id", "url", "admin_url", "pid"}
            with urlopen(f"{node['admin_url']}/readyz", timeout=5) as response:  # noqa: S310 - our own node
                assert response.status == 200
        process.send_signal(number)
        rest, errors = process.communicate(timeout=END_SECONDS)
    assert (process.returncode, rest, errors) == (0, "", "")
    assert not alive(pids)
    assert not list(tmp_path.iterdir())


def test_modules_of_the_folder_that_it_is_called_in_are_not_its_own(tmp_path: Path) -> None:
    service = tmp_path / "service"
    service.mkdir()
    for name in ("gateway", "loadtest", "redis", "locust"):
        (service / f"{name}.py").write_text("raise SystemExit('a service of somebody')")
    settings = {**cluster.own_environment(), "PYTHONPATH": str(CODE), "TMPDIR": str(tmp_path)}
    settings.pop("PYTHONSAFEPATH", None)
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "loadtest", "up", "--nodes", "1", "--rate", "1", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=settings,
        cwd=service,
    ) as process:
        ready = first_line(process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=END_SECONDS)
    assert errors == ""
    assert ready["nodes"][0]["id"] == "node-1"


@pytest.mark.parametrize("after_seconds", [0.1, 0.4, 0.8])
def test_ctrl_c_in_the_middle_of_the_start_leaves_nothing(after_seconds: float, tmp_path: Path) -> None:
    with start(tmp_path) as process:
        time.sleep(after_seconds)
        pids = started_by(process.pid)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=END_SECONDS)
    # Python itself may be hit while it still looks for us.
    assert "Traceback" not in errors or "loadtest" not in errors
    assert process.returncode in (0, 130, -signal.SIGINT) or "init_import_site" in errors
    assert not alive(pids)
    assert not list(tmp_path.iterdir())


INTERRUPTED_IMPORT = """
import os, signal, sys, weakref

class Interrupts:
    def find_spec(self, name, path, target=None):
        if name == "loadtest.cli":
            # What is raised here Python prints and forgets, as in its own import of a module.
            kept = weakref.ref(Interrupts(), lambda _: os.kill(os.getpid(), signal.SIGINT))

sys.meta_path.insert(0, Interrupts())
sys.argv = ["loadtest", "list"]
from loadtest.__main__ import main
sys.exit(main())
"""


def test_ctrl_c_ends_it_while_it_loads() -> None:
    command = [sys.executable, "-c", INTERRUPTED_IMPORT]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=END_SECONDS, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_ctrl_c_does_not_wait_for_a_redis_that_never_answers(tmp_path: Path) -> None:
    silent = silent_program(tmp_path)
    with start(tmp_path, REDIS_SERVER=str(silent)) as process:
        while not (pids := started_by(process.pid)):
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=5)
    assert (process.returncode, errors) == (0, "")
    assert not alive(pids)
    assert list(tmp_path.iterdir()) == [silent]


def test_no_process_outlives_one_that_is_killed(tmp_path: Path) -> None:
    with start(tmp_path, "--nodes", "2", "--json") as process:
        first_line(process)
        pids = started_by(process.pid)
        process.kill()
        process.wait()
        deadline = time.monotonic() + END_SECONDS
        while left := alive(pids):
            assert time.monotonic() < deadline, left
            time.sleep(0.05)
    assert len(pids) == 4


def test_workers_of_nodes_are_started_and_stopped_with_them(tmp_path: Path) -> None:
    with start(tmp_path, "--nodes", "1", "--workers", "2", "--json") as process:
        (node,) = first_line(process)["nodes"]
        pids = started_by(process.pid)
        assert len(started_by(node["pid"])) == 2
        process.terminate()
        _, errors = process.communicate(timeout=END_SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert not alive(pids)


def test_what_it_tells_to_type_works_where_nothing_is_set(tmp_path: Path) -> None:
    bare = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(CODE), "HOME": str(tmp_path)}
    with start(tmp_path, "--nodes", "1", PATH=bare["PATH"]) as process:
        lines = told(process)
        typed = [line for line in lines if line.startswith("  ") and "curl" not in line]
        done = subprocess.run(
            ["/bin/sh", "-ec", "".join(typed)], env=bare, capture_output=True, text=True, timeout=END_SECONDS
        )
        process.terminate()
        process.wait(timeout=END_SECONDS)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 Up" in done.stdout
    assert [line for line in typed if "SUBJECT_NODES=127.0.0.1:" in line]


def test_traffic_is_sent_where_it_is_asked_for_and_ends_with_the_rest(tmp_path: Path) -> None:
    with start(tmp_path, "--nodes", "2", "--rate", "50", "--json") as process:
        nodes = first_line(process)["nodes"]
        deadline = time.monotonic() + END_SECONDS
        while min(requests := [totals(node)["admitted"] for node in nodes]) < 10:
            assert time.monotonic() < deadline, requests
            time.sleep(0.1)
        assert {totals(node)[name] for node in nodes for name in ("refused", "unidentified")} == {0}
        pids = started_by(process.pid)
        process.terminate()
        _, errors = process.communicate(timeout=END_SECONDS)
    assert (process.returncode, errors) == (0, "")
    assert not alive(pids)
    assert not list(tmp_path.iterdir())


def totals(node: dict[str, str]) -> dict[str, int]:
    """What a node has counted so far."""
    with urlopen(f"{node['admin_url']}/state", timeout=5) as response:  # noqa: S310 - our own node
        counted: dict[str, int] = json.load(response)["last"]["boot"]
        return counted


def test_a_given_redis_is_used_and_left_running(redis_url: str, tmp_path: Path) -> None:
    with start(tmp_path, "--nodes", "1", "--json", REDIS_URL=redis_url) as process:
        assert first_line(process)["redis_url"] == redis_url
        process.terminate()
        process.wait(timeout=END_SECONDS)


def test_a_given_redis_is_said_to_be(redis_url: str, tmp_path: Path) -> None:
    with start(tmp_path, "--nodes", "1", REDIS_URL=redis_url) as process:
        lines = told(process)
        process.terminate()
        _, errors = process.communicate(timeout=END_SECONDS)
    place = redis_url.removeprefix("redis://").removesuffix("/0")
    assert lines[1].split() == ["REDIS_URL's", "redis", f"{place},", "database", "0"]
    assert f"export REDIS_URL={redis_url} " in "".join(lines)
    assert errors == (
        f"loadtest: REDIS_URL is set, so the nodes count in the Redis at {place}, database 0, beside "
        "whatever uses it; nothing there is deleted, and what they write stays. Unset REDIS_URL for one of "
        "their own\n"
    )


async def test_a_given_redis_keeps_what_it_has_and_its_password_is_not_shown(tmp_path: Path) -> None:
    with redis_server.running("--requirepass", "s3cret") as server:
        url = server.url.replace("//", "//:s3cret@")
        async with Redis.from_url(url, decode_responses=True) as client:
            await client.set("theirs", "kept")
            with start(tmp_path, "--nodes", "1", REDIS_URL=url) as process:
                lines = told(process)
                process.terminate()
                _, errors = process.communicate(timeout=END_SECONDS)
            kept = await client.get("theirs")

    assert kept == "kept"
    assert "s3cret" not in "".join(lines) + errors
    assert 'export REDIS_URL="$REDIS_URL" SUBJECT_NODES=127.0.0.1:' in "".join(lines)
    assert f"in the Redis at 127.0.0.1:{server.port}, database 0, beside" in errors


def test_a_node_that_cannot_start_is_one_line_and_exit_code_3(tmp_path: Path) -> None:
    with start(tmp_path, GATEWAY_DEFAULT_LIMIT="often") as process:
        out, errors = process.communicate(timeout=END_SECONDS)
    assert (process.returncode, out, errors.count("\n")) == (3, "", 1)
    assert "often" in errors
    assert not list(tmp_path.iterdir())


def test_a_node_that_dies_is_told_of_and_the_others_stay(tmp_path: Path) -> None:
    with start(tmp_path, "--nodes", "2", "--json") as process:
        assert process.stderr is not None
        ready = first_line(process)
        os.kill(ready["nodes"][0]["pid"], signal.SIGKILL)
        assert process.stderr.readline().startswith("loadtest: node-1 ended")
        os.kill(ready["nodes"][1]["pid"], 0)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=END_SECONDS)
    assert process.returncode == 0
