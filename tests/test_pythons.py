"""Which Pythons are claimed, and which are found to test on."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deployment.dockerfile import ARGUMENTS
from tests.project import PROJECT, PYPROJECT, ROOT

CLAIMED = re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
HERE = "{}.{}.{}".format(*sys.version_info)
MINOR = HERE.rpartition(".")[0]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs/how-to").glob("*.md")]
MEASURED = ("CHANGELOG.md", "performance.md", "evaluation.md", "scaling.md")
"""Pages that also say on what something was seen or measured."""


def test_the_oldest_python_that_is_claimed_is_the_one_that_is_asked_for() -> None:
    assert PROJECT["requires-python"] == f">={CLAIMED[0]}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{CLAIMED[0].replace('.', '')}"


def test_the_image_has_a_python_that_is_claimed() -> None:
    (version,) = re.findall(r"python:(3\.\d+)-", ARGUMENTS["BASE"])

    assert version in CLAIMED


@pytest.mark.parametrize("page", [p for p in PAGES if p.name not in MEASURED], ids=lambda page: page.stem)
def test_a_page_names_no_python_that_is_not_claimed(page: Path) -> None:
    named = re.findall(r"\b[Pp]ython(?:-version)?[ :\"]*(3\.\d+)", page.read_text())

    assert set(named) <= set(CLAIMED)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/tutorial.md"])
def test_who_begins_is_told_which_pythons_are_tested(page: str) -> None:
    *others, last = CLAIMED

    assert f"Python {', '.join(others)} or {last}" in (ROOT / page).read_text().replace("\n", " ")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """One with no Python but what a test puts there: on PATH, which is `bin`, or into pyenv's folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "tr", "sort", "awk", "sed", "cut"):
        (folder / tool).symlink_to(str(shutil.which(tool)))
    return tmp_path


def put(program: Path, *, that_is: str) -> None:
    """A program that says of itself what a Python would, or anything else."""
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\n{that_is}\n")
    program.chmod(0o755)


def said(machine: Path, script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["/bin/sh", f".make/{script}"],
        cwd=ROOT,
        env={"PATH": str(machine / "bin"), "HOME": str(machine)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def found(machine: Path) -> list[str]:
    listed = said(machine, "pythons.sh")
    assert (listed.returncode, listed.stderr) == (0, "")
    return listed.stdout.splitlines()


def test_a_python_on_the_path_is_found(machine: Path) -> None:
    base = Path(sys.base_prefix) / "bin" / f"python{MINOR}"
    (machine / "bin" / base.name).symlink_to(base)

    (line,) = found(machine)

    version, program = line.split(" ", 1)
    assert version == HERE
    told = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, timeout=60)
    assert told.stdout == f"Python {HERE}\n"


def test_a_virtual_environment_is_no_python_of_the_machine(machine: Path) -> None:
    assert sys.prefix != sys.base_prefix, "the tests run in one"
    put(machine / "bin" / f"python{MINOR}", that_is=f'exec "{sys.executable}" "$@"')

    assert found(machine) == []


def test_what_leads_nowhere_is_left_out(machine: Path) -> None:
    put(machine / "bin/python3.12", that_is="echo no such version >&2; exit 127")

    assert found(machine) == []


def test_of_each_python_the_newest_release_is_taken_and_the_oldest_is_first(machine: Path) -> None:
    put(machine / "bin/python3.12", that_is="echo 3.12.9 /usr/bin/python3.12")
    put(machine / "bin/python3.11", that_is="echo 3.11.9 /usr/bin/python3.11")
    put(machine / ".pyenv/versions/3.12.10/bin/python3.12", that_is="echo 3.12.10 /of/pyenv")
    put(machine / ".pyenv/versions/3.10.2/bin/python3.10", that_is="echo 3.10.2 /of/pyenv")

    assert found(machine) == ["3.11.9 /usr/bin/python3.11", "3.12.10 /of/pyenv"]


def test_all_that_are_found_are_tested_and_each_is_told(machine: Path) -> None:
    for version in ("3.11.9", "3.12.1", "3.14.0"):
        program = f"python{version.rpartition('.')[0]}"
        put(machine / "bin" / program, that_is=f"echo {version} /usr/bin/{program}")
    put(machine / "bin/make", that_is='echo "$PYTHON3: $*"; [ "$PYTHON3" != /usr/bin/python3.12 ]')

    tested = said(machine, "test_all.sh")

    asked = "test test-compiled VENV={0}/venv DIST={0}/dist UNPACKED={0}/compiled"
    assert tested.stdout.splitlines() == [
        "test-all: Python 3.11.9, /usr/bin/python3.11",
        "test-all: Python 3.12.1, /usr/bin/python3.12",
        "test-all: Python 3.14.0, /usr/bin/python3.14, which pyproject.toml does not claim",
        "test-all: Python 3.13 is claimed, and not here",
        *(f"/usr/bin/python3.{n}: {asked.format(f'build/python3.{n}')}" for n in (11, 12, 14)),
        "test-all: Python 3.11.9 passed",
        "test-all: Python 3.12.1 FAILED",
        "test-all: Python 3.14.0 passed",
    ]
    assert (tested.returncode, tested.stderr) == (1, "")


def test_a_machine_without_a_python_is_no_success(machine: Path) -> None:
    tested = said(machine, "test_all.sh")

    assert (tested.returncode, tested.stdout) == (1, "")
    assert tested.stderr == "test-all: no Python 3.11 or newer with its venv module is here\n"
