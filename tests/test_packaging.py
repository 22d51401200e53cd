import ast
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project import PACKAGES, PROJECT, PYPROJECT, ROOT

BUILD_SYSTEM = [Requirement(text) for text in PYPROJECT["build-system"]["requires"]]
HOOK: dict[str, Any] = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
COMPILING = [Requirement(text) for text in HOOK["dependencies"]]
RUNNING, DEVELOPING, BUILDING = "requirements.txt", "requirements-dev.txt", "docker/requirements-build.txt"
LOADING = "docker/requirements-loadtest.txt"
LOCKS = (RUNNING, DEVELOPING, BUILDING, LOADING)
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
IMAGE_PAGES = [ROOT / "docker/kubernetes.yaml", ROOT / "docs/how-to/kubernetes.md"]


def pins(lock: str) -> dict[str, list[str]]:
    """The lines of each package in a lock: the pin, then what follows it."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / lock).read_text().splitlines():
        if line and not line.startswith((" ", "#")):
            name = line.partition("==")[0].partition("[")[0]
            found[canonicalize_name(name)] = [line]
        elif found:
            found[next(reversed(found))].append(line)
    return found


def pinned_version(lines: list[str]) -> str:
    return lines[0].partition("==")[2].split()[0]


def declared(*extras: str) -> list[Requirement]:
    texts = list(PROJECT["dependencies"])
    for extra in extras:
        texts += PROJECT["optional-dependencies"][extra]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_in_a_lock_is_one_version_with_hashes(lock: str) -> None:
    for name, lines in pins(lock).items():
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==[^ ]+ ", lines[0]), f"{lock}: {name} is no pin"
        assert any("--hash=sha256:" in line for line in lines), f"{lock}: {name} has no hash"


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        (RUNNING, declared()),
        (DEVELOPING, declared(*PROJECT["optional-dependencies"])),
        (BUILDING, BUILD_SYSTEM + COMPILING),
        (LOADING, declared("loadtest")),
    ],
)
def test_every_dependency_is_locked_at_its_floor_or_above(lock: str, requirements: list[Requirement]) -> None:
    locked = pins(lock)
    for requirement in requirements:
        lines = locked.get(canonicalize_name(requirement.name))
        assert lines, f"{requirement.name} is not in {lock}: run make lock"
        assert pinned_version(lines) in requirement.specifier, (
            f"{lock} is older than {requirement}: run make lock"
        )


@pytest.mark.parametrize("lock", LOCKS)
def test_an_extra_that_another_package_asks_for_is_in_the_lock(lock: str) -> None:
    """Else pip checks `package[extra]` at the newest release, and refuses the locked one that is older."""
    locked = pins(lock)
    for name in locked:
        for asked in installed_requirements(name):
            pin = locked.get(canonicalize_name(asked.name), [""])[0]
            assert all(extra in pin for extra in asked.extras), f"{lock}: {name} asks for {asked}"


def installed_requirements(name: str) -> list[Requirement]:
    """What an installed package needs here, without its own extras; nothing where it is not installed."""
    try:
        texts = distribution(name).requires or []
    except PackageNotFoundError:
        return []
    asked = [Requirement(text) for text in texts]
    return [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]


def test_every_dependency_has_a_floor() -> None:
    requirements = declared(*PROJECT["optional-dependencies"])

    assert [r.name for r in requirements if not any(s.operator == ">=" for s in r.specifier)] == []


@pytest.mark.parametrize("lock", [RUNNING, BUILDING, LOADING])
def test_the_locks_agree(lock: str) -> None:
    developing = pins(DEVELOPING)
    for name, lines in pins(lock).items():
        assert pinned_version(lines) == pinned_version(developing[name]), f"{name} differs: run make lock"


def test_what_the_image_is_built_with_is_what_builds_the_wheel() -> None:
    assert [Requirement(text) for text in PYPROJECT["dependency-groups"]["build"]] == BUILD_SYSTEM + COMPILING


def test_the_locks_hold_no_second_framework_for_running() -> None:
    forbidden = {
        "fastapi",
        "flask",
        "celery",
        "prometheus-client",
        "limits",
        "slowapi",
        "starlette",
        "locust",
    }

    assert forbidden.isdisjoint(pins(RUNNING))


def test_the_version_is_written_in_one_place() -> None:
    assert installed_version("operator-ratelimiter") == PROJECT["version"]
    folders = [*PACKAGES, "docker"]
    texts = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix != ".pyc"]
    quoted = re.compile(rf"[\"'=]{re.escape(PROJECT['version'])}[\"']?(?![\w.])")
    copies = [path for path in texts if path.is_file() and quoted.search(path.read_text(errors="replace"))]

    assert not copies, f"{copies}: importlib.metadata.version('operator-ratelimiter') knows the version"


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)
    versions = [re.fullmatch(r"(\d+\.\d+\.\d+) - (unreleased|\d{4}-\d\d-\d\d)", one) for one in headings]

    assert all(versions), f"a version and its day, or unreleased: {headings}"
    numbers = [tuple(map(int, version[1].split("."))) for version in versions if version]
    assert numbers == sorted(set(numbers), reverse=True)
    assert ".".join(map(str, numbers[0])) == PROJECT["version"]


def test_the_changelog_says_of_each_change_what_kind_it_is() -> None:
    kinds = set(re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE))

    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    first = re.split(r"^## .+$", CHANGELOG, maxsplit=1, flags=re.MULTILINE)[1]
    assert "\n- " not in first.partition("\n### ")[0], "each line stands under its kind"


@pytest.mark.parametrize("page", IMAGE_PAGES, ids=lambda page: page.name)
def test_an_image_is_tagged_with_this_version(page: Path) -> None:
    tags = re.findall(r"ratelimiter/(?:gateway|subject|loadtest):([\w.-]+)", page.read_text())
    labels = re.findall(r"VERSION=([\w.-]+)", page.read_text())

    assert set(tags) == {PROJECT["version"]}
    assert set(labels) <= {PROJECT["version"]}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_command_has_its_function(package: str) -> None:
    tree = ast.parse((ROOT / package / "__main__.py").read_text())
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    imported = [a.asname or a.name for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names]

    assert "main" in functions + imported


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)

    command = ["make", "help"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=30)

    listed = [line.split()[1] for line in shown.stdout.splitlines() if line.startswith("  make ")]
    assert listed == targets
    (phony,) = re.findall(r"^\.PHONY: (.*)", makefile, re.MULTILINE)
    assert sorted(phony.split()) == sorted(targets)


def test_the_readme_can_be_read_in_one_go() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


@pytest.mark.parametrize("command", PACKAGES)
def test_a_command_that_is_not_installed_says_so_in_one_line(command: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-S", "-P", "-m", command, "--version"],  # without packages
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (ended.returncode, ended.stdout) == (3, "")
    assert re.fullmatch(rf"{command}: \S+ is missing: make setup, or pip install .*\n", ended.stderr)
