"""What is built: the wheel, the sdist, and that both are of the same files."""

import subprocess
import tarfile
import zipfile
from configparser import ConfigParser
from email.message import Message
from email.parser import Parser
from pathlib import Path

import pytest

from tests.distributions import NAME, built
from tests.project import PACKAGES, PROJECT, ROOT

INFO = f"{NAME}.dist-info"


@pytest.fixture(scope="module")
def repository() -> set[str]:
    """The files that git has, or would have with the next commit."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone: nothing says which files belong to it")
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=30)
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()}


@pytest.fixture(scope="module")
def wheel_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheel(wheel_path: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(wheel_path)


@pytest.fixture(scope="module")
def sdist_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    return Parser().parsestr(wheel.read(f"{INFO}/METADATA").decode())


def test_the_wheel_holds_the_three_packages_and_nothing_else(
    wheel: zipfile.ZipFile, repository: set[str]
) -> None:
    """So no tests, no docs but the one that codes are explained by, and nothing that a build left behind."""
    held = {name for name in wheel.namelist() if not name.startswith(f"{INFO}/")}

    packaged = {name for name in repository if name.partition("/")[0] in PACKAGES}
    assert held == packaged | {"subject/detectors.md"}


def test_the_wheel_says_what_it_is_and_under_which_licences(wheel: zipfile.ZipFile) -> None:
    told = {name.removeprefix(f"{INFO}/") for name in wheel.namelist() if name.startswith(f"{INFO}/")}

    licences = {f"licenses/{name}" for name in PROJECT["license-files"]}
    assert told == {"METADATA", "WHEEL", "RECORD", "entry_points.txt"} | licences
    for name in PROJECT["license-files"]:
        assert wheel.read(f"{INFO}/licenses/{name}") == (ROOT / name).read_bytes()


def test_every_licence_in_the_repository_is_one_of_the_wheels(repository: set[str]) -> None:
    assert {name for name in repository if Path(name).stem == "LICENSE"} == set(PROJECT["license-files"])


def test_the_wheel_has_the_document_that_codes_are_explained_by(wheel: zipfile.ZipFile) -> None:
    assert wheel.read("subject/detectors.md") == (ROOT / "docs/detectors.md").read_bytes()


def test_each_package_in_the_wheel_is_typed(wheel: zipfile.ZipFile) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(wheel.namelist())


def test_the_wheel_has_the_three_commands(wheel: zipfile.ZipFile) -> None:
    entry_points = ConfigParser()
    entry_points.read_string(wheel.read(f"{INFO}/entry_points.txt").decode())

    assert dict(entry_points["console_scripts"]) == {name: f"{name}.__main__:main" for name in PACKAGES}


def test_the_wheel_is_for_the_pythons_that_are_claimed(metadata: Message) -> None:
    assert metadata["Version"] == PROJECT["version"]
    assert metadata["Requires-Python"] == PROJECT["requires-python"]
    assert metadata.get_all("Classifier") == PROJECT["classifiers"]
    assert metadata.get_all("Provides-Extra") == sorted(PROJECT["optional-dependencies"])


def test_the_sdist_is_the_repository(sdist_path: Path, repository: set[str]) -> None:
    with tarfile.open(sdist_path) as sdist:
        held = {name.removeprefix(f"{NAME}/") for name in sdist.getnames()}

    assert held == repository | {"PKG-INFO"}


def test_the_sdist_builds_the_same_wheel(sdist_path: Path, wheel_path: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist_path) as sdist:
        sdist.extractall(tmp_path, filter="data")

    again = built("wheel", tmp_path / NAME, tmp_path / "wheel")

    assert again.name == wheel_path.name
    assert again.read_bytes() == wheel_path.read_bytes()
