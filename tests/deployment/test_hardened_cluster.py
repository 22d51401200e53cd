"""A real Redis, node and subject, started by exactly the files of compose.hardened.yaml.

Paths of a container are led to the files that compose would mount there; nothing else is changed.
"""

import asyncio
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.contract.redis_url import parse_redis_url
from loadtest.ports import free_port
from tests.deployment.composed import CREDENTIALS, HARDENED, NODES, environment, host_files, settings_of
from tests.deployment.secret_files import SECRETS
from tests.integration.gateway.node import eventually

pytestmark = pytest.mark.system  # openssl, and a redis-server that speaks TLS


@dataclass(frozen=True)
class Hardened:
    """A Redis by these files, and where its files are on this machine."""

    port: int
    secrets: Path
    check: list[str]

    def variables(self, service: str, folder: Path) -> dict[str, str]:
        """What a service's process is given; its secrets are in `folder` as compose mounts them."""
        mounted = folder / "secrets"
        mounted.mkdir()
        for target, path in host_files(service, {SECRETS: self.secrets}).items():
            (mounted / Path(target).name).write_text(here(path.read_text(), mounted, self.port))
        given = environment(service, hardened=True)
        return {name: value.replace(str(CREDENTIALS), str(mounted)) for name, value in given.items()}


def here(text: str, mounted: Path, port: int) -> str:
    """With paths and Redis' address of this machine."""
    return text.replace(str(CREDENTIALS), str(mounted)).replace("@redis:6379/", f"@localhost:{port}/")


@pytest.fixture
def hardened(secrets: Path, tmp_path: Path) -> Iterator[Hardened]:
    """It runs as the overlay's command says."""
    files = host_files("redis", {SECRETS: secrets})
    folder = tmp_path / "redis"
    folder.mkdir()
    places = {target: folder / Path(target).name for target in files}
    for target, path in files.items():
        text = path.read_text()
        for other, place in places.items():
            text = text.replace(other, str(place))
        places[target].write_text(text)
    port = free_port()
    program, configuration = HARDENED["services"]["redis"]["command"]
    options = ["--dir", str(folder), "--tls-port", str(port), "--bind", "127.0.0.1"]
    check = [
        "-p" if word == "ping" else word for word in HARDENED["services"]["redis"]["healthcheck"]["test"][1:]
    ]
    check = [str(places.get(word, word)) for word in check] + [str(port), "ping"]
    with running([program, str(places[configuration]), *options], check):
        yield Hardened(port, secrets, check)


@contextmanager
def running(command: list[str], check: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if subprocess.run(check, capture_output=True, timeout=10, check=False).returncode == 0:
                break
            assert process.poll() is None
        else:
            pytest.fail("it is not well")
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_redis_is_well_for_who_may_only_ask(hardened: Hardened) -> None:
    others = [word for word in hardened.check if word != "ping"]
    asked = [*others, "get", "key"]

    assert subprocess.run(hardened.check, capture_output=True, text=True, check=True).stdout == "PONG\n"
    refused = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert "NOPERM" in refused.stdout + refused.stderr
    assert refused.returncode != 0


def test_without_a_password_or_tls_redis_says_nothing(hardened: Hardened) -> None:
    ca = str(hardened.secrets / "ca.crt")
    plain = ["redis-cli", "-e", "-p", str(hardened.port), "ping"]
    nobody = ["redis-cli", "-e", "-p", str(hardened.port), "--tls", "--cacert", ca, "ping"]
    distrustful = ["redis-cli", "-e", "-p", str(hardened.port), "--tls", "ping"]

    assert "NOAUTH" in told(nobody)
    assert "PONG" not in told(plain)
    assert "PONG" not in told(distrustful)


def told(command: list[str]) -> str:
    run = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    assert run.returncode != 0
    return run.stdout + run.stderr


def test_the_operator_may_do_everything(hardened: Hardened) -> None:
    password = (hardened.secrets / "redis-admin-password").read_text().strip()
    command = [
        "redis-cli",
        "-e",
        "-p",
        str(hardened.port),
        "--tls",
        "--cacert",
        str(hardened.secrets / "ca.crt"),
    ]
    asked = [*command, "--user", "admin", "--no-auth-warning", "acl", "whoami"]

    run = subprocess.run(
        asked, capture_output=True, text=True, check=True, env=os.environ | {"REDISCLI_AUTH": password}
    )
    assert run.stdout == "admin\n"


@pytest.mark.parametrize("node", NODES)
def test_a_node_is_given_settings_that_fit(
    node: str, secrets: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = Hardened(6379, secrets, []).variables(node, tmp_path)

    settings = settings_of(node, monkeypatch, tmp_path, **given)

    target = parse_redis_url(settings.redis_url)
    assert (target.username, target.addresses) == ("gateway", (("localhost", 6379),))
    assert target.tls is not None
    assert settings.identity_secret is not None
    assert len(settings.identity_secret.get_secret_value()) == 64
    assert (settings.tls_cert, settings.tls_key) == (
        tmp_path / "secrets/gateway.crt",
        tmp_path / "secrets/gateway.key",
    )


async def test_a_node_and_the_subject_work_with_what_they_are_given(
    hardened: Hardened, tmp_path: Path
) -> None:
    (tmp_path / "node").mkdir()
    (tmp_path / "subject").mkdir()
    admin_port, port = free_port(), free_port()
    node = hardened.variables("node-1", tmp_path / "node") | {
        "PATH": os.environ["PATH"],
        "GATEWAY_PORT": str(port),
        "GATEWAY_ADMIN_PORT": str(admin_port),
        "GATEWAY_UPSTREAM_URL": "http://127.0.0.1:9",
        "GATEWAY_ON_STORE_FAILURE": "closed",
    }
    observer = hardened.variables("subject", tmp_path / "subject") | {
        "PATH": os.environ["PATH"],
        "SUBJECT_NODES": f"127.0.0.1:{admin_port}",
    }

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway"), env=os.environ | node, cwd=tmp_path
    )
    try:
        # A 503 while it has no Redis; what Redis admits is a 502, since the service behind is away.
        ca = hardened.secrets / "ca.crt"
        await eventually(lambda: answered(port, ca), lambda status: status == 502)
        look = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "subject", "status", "--json"),
            env=os.environ | observer,
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await look.communicate()
    finally:
        process.terminate()
        assert await process.wait() == 0

    assert look.returncode == 0
    assert json.loads(output)["redis_connected"] is True


async def answered(port: int, authority: Path) -> int:
    """The status of a request by TLS; 0 where nobody listens yet."""
    context = ssl.create_default_context(cafile=authority)
    try:
        reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    except ConnectionError:
        return 0
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-API-Key: me\r\nConnection: close\r\n\r\n")
    head = await reader.readline()
    writer.close()
    return int(head.split()[1])
