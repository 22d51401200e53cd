"""The wheel as pip installs it, in an environment that has what the wheel says it needs and nothing else."""

import json
import re
import subprocess
import venv
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib.metadata import Distribution, distribution
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import Request, urlopen

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from loadtest import cluster, redis_server
from loadtest.polling import until
from loadtest.ports import free_port
from tests.distributions import built
from tests.project import PACKAGES, PROJECT, ROOT

SECONDS = 300.0
"""For a machine that may have other work."""
UNDECLARED = {"loadtest.locustfile": "gevent", "loadtest.bench.textbook_limits": "limits"}
"""What runs in locust alone, and a peer of the benchmark, which says so where it is not there."""
IMPORT_ALL = """
import importlib, json, pkgutil, sys
missing = {}
for package in sys.argv[1:]:
    path = importlib.import_module(package).__path__
    for module in pkgutil.walk_packages(path, f"{package}."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            missing[module.name] = error.name
print(json.dumps(missing))
"""


class Installation:
    """An environment with the wheel; what it needs is linked from the environment that runs the tests."""

    def __init__(self, folder: Path, wheel: Path, *extras: str) -> None:
        venv.create(folder, with_pip=True)
        self.scripts = folder / "bin"
        (site,) = folder.glob("lib/python*/site-packages")
        for needed in needs(distribution(PROJECT["name"]), extras):
            link(needed, site)
        self.run("pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel)).check_returncode()

    def environment(self, **variables: str) -> dict[str, str]:
        """With no program but those of this environment, and no code of ours from elsewhere."""
        given = cluster.own_environment()
        rest = {name: value for name, value in given.items() if not name.startswith(("PYTHON", "PIP_"))}
        return {**rest, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PATH": str(self.scripts), **variables}

    def run(self, command: str, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """One of its commands, to its end."""
        return subprocess.run(
            [str(self.scripts / command), *arguments],
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    @contextmanager
    def running(self, command: str, *arguments: str, **variables: str) -> Iterator[str]:
        """One that goes on, while the context lasts: the first line that it prints."""
        with subprocess.Popen(
            [str(self.scripts / command), *arguments],
            env=self.environment(**variables),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                yield process.stdout.readline()
            finally:
                process.terminate()


def needs(of: Distribution, extras: Collection[str]) -> list[Distribution]:
    """All that it needs with these extras, and what that needs, once each."""
    found: dict[str, Distribution] = {}
    waiting = [(of, frozenset(extras))]
    seen = set()
    while waiting:
        one, asked = waiting.pop()
        for requirement in map(Requirement, one.requires or []):
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *asked)):
                name = canonicalize_name(requirement.name)
                if (key := (name, frozenset(requirement.extras))) not in seen:
                    seen.add(key)
                    found[name] = distribution(requirement.name)
                    waiting.append((found[name], key[1]))
    return list(found.values())


def link(needed: Distribution, site: Path) -> None:
    """As if it were installed there too."""
    for top in {file.parts[0] for file in needed.files or []} - {"..", "__pycache__"}:
        if not (site / top).exists():
            (site / top).symlink_to(str(needed.locate_file(top)))


def answer(url: str, **headers: str) -> tuple[int, bytes]:
    with urlopen(Request(url, headers=headers), timeout=SECONDS) as response:  # noqa: S310 - one of ours
        return response.status, response.read()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Installation:
    """pip install operator-ratelimiter"""
    return Installation(tmp_path_factory.mktemp("plain"), wheel)


@pytest.fixture(scope="module")
def loading(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Installation:
    """pip install 'operator-ratelimiter[loadtest]'"""
    return Installation(tmp_path_factory.mktemp("loading"), wheel, "loadtest")


@pytest.fixture(scope="module")
def redis_program() -> str:
    """Which the plain installation has none of."""
    return str(redis_server.find_binary())


@pytest.mark.parametrize("command", PACKAGES)
def test_each_command_tells_the_version(plain: Installation, command: str) -> None:
    told = plain.run(command, "--version")

    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.split()[:2] == [command, PROJECT["version"]]


def test_what_is_installed_needs_nothing_that_is_not_declared(plain: Installation) -> None:
    imported = plain.run("python", "-c", IMPORT_ALL, *PACKAGES)

    assert plain.run("pip", "check").stdout == "No broken requirements found.\n"
    assert imported.returncode == 0, imported.stderr
    assert json.loads(imported.stdout) == UNDECLARED


@pytest.mark.parametrize(
    "command",
    [("demo",), ("run", "steady"), ("evaluate",), ("up", "--rate", "20")],
    ids=lambda command: command[0],
)
def test_load_without_its_extra_is_one_line_that_says_what_to_install(
    plain: Installation, command: tuple[str, ...]
) -> None:
    said = plain.run("loadtest", *command)

    install = "pip install 'operator-ratelimiter[loadtest]'"
    assert (said.returncode, said.stdout) == (3, "")
    assert said.stderr == f"loadtest: loadtest {command[0]} needs the extra loadtest: {install}\n"


def test_a_cluster_without_a_redis_is_one_line_that_says_what_to_install(plain: Installation) -> None:
    said = plain.run("loadtest", "up")

    assert (said.returncode, said.stdout) == (3, "")
    assert said.stderr.startswith("loadtest: no Redis server: pip install 'operator-ratelimiter[loadtest]'")
    assert said.stderr.count("\n") == 1


def test_mcp_without_its_extra_is_one_line_that_says_what_to_install(plain: Installation) -> None:
    said = plain.run("subject", "mcp")

    install = "pip install 'operator-ratelimiter[mcp]'"
    assert (said.returncode, said.stdout) == (2, "")
    assert said.stderr == f"subject: subject mcp needs the extra mcp: {install}\n"


def test_nodes_serve_and_the_subject_sees_them(plain: Installation, redis_program: str) -> None:
    port = str(free_port())
    with plain.running("loadtest", "up", "--nodes", "2", "--json", REDIS_SERVER=redis_program) as line:
        started = json.loads(line)
        urls = [node["url"] for node in started["nodes"]]
        assert [answer(f"{url}/hello", **{"X-API-Key": "me"})[0] for url in urls] == [200, 200]

        redis = {"REDIS_URL": started["redis_url"]}
        status = plain.run("subject", "status", "--json", **redis)
        assert (status.returncode, status.stderr) == (0, "")
        explained = plain.run("subject", "diagnose", "--explain", "limit_breach", **redis)
        assert "limit_breach" in explained.stdout
        with plain.running("subject", "serve", SUBJECT_PORT=port, **redis):
            page = f"http://127.0.0.1:{port}/"
            parts = re.findall(r'(?:src|href)="([^"]+)"', answer(page)[1].decode())
            assert len(parts) > 3
            assert [answer(urljoin(page, part))[0] for part in parts] == [200] * len(parts)


async def test_the_load_test_brings_its_redis_and_its_load(loading: Installation) -> None:
    with loading.running("loadtest", "up", "--nodes", "1", "--rate", "20", "--json") as line:
        (node,) = json.loads(line)["nodes"]

        def is_asked() -> bool:
            return b'"requests": 0' not in answer(f"{node['admin_url']}/state")[1]

        assert await until(is_asked, SECONDS)
