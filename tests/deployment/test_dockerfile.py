"""The Dockerfile, held against the code; `test_tools.py` has what others say of it."""

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

import gateway.config.settings as node_settings
import subject.settings
from tests.deployment.dockerfile import ARGUMENTS, IMAGES, STAGES, image_environment, lineage
from tests.project import PROJECT, ROOT

VARIABLES = {node_settings.variable(name) for name in node_settings.Settings.model_fields} | {
    subject.settings.variable(name) for name in subject.settings.Settings.model_fields
}
INTERPRETERS = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
RUNS = [(name, run) for name, stage in STAGES.items() for run in stage.all("RUN")]


@pytest.mark.parametrize("target", IMAGES)
def test_an_image_starts_a_command_of_the_project_as_an_ordinary_user(target: str) -> None:
    stages = lineage(target)

    assert stages[0].command("ENTRYPOINT") == [target]
    user = next(user for stage in stages for user in stage.all("USER"))
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user), "a number, so that a cluster can see that it is not root"
    (passwd,) = (run for stage in stages for run in stage.all("RUN"))
    assert f"ratelimiter:x:{user}:" in passwd


@pytest.mark.parametrize("target", IMAGES)
def test_nothing_is_installed_in_an_image_itself(target: str) -> None:
    runs = [run for stage in lineage(target) for run in stage.all("RUN")]

    assert not [run for run in runs if re.search(r"\b(pip3?|apt-get|gcc|curl|wget) ", run)]
    assert [run for run in runs if " rm -rf /usr/local/bin/pip* " in run]


@pytest.mark.parametrize("target", IMAGES)
def test_no_program_of_an_image_makes_its_user_another_one(target: str) -> None:
    """Docker's own benchmark asks for it (CIS, 4.8), for who runs an image without `no-new-privileges`."""
    runs = [run for stage in lineage(target) for run in stage.all("RUN")]

    assert [run for run in runs if "find / -xdev -type f -perm /6000 -exec chmod a-s {} +" in run]


@pytest.mark.parametrize("target", IMAGES)
def test_an_image_gets_its_packages_from_a_stage_that_has_made_them(target: str) -> None:
    copies = [copy for stage in lineage(target) for copy in stage.all("COPY")]

    made = "packages-loadtest" if target == "loadtest" else "packages"
    assert copies == [f"--from={made} /app /app", "docker/healthcheck.py /healthcheck.py"]


@pytest.mark.parametrize("target", IMAGES)
def test_what_is_copied_can_be_read_by_an_images_user_whatever_the_umask(target: str) -> None:
    for stage in lineage(target):
        runs = " && ".join(stage.all("RUN"))
        for copy in stage.all("COPY"):
            if "--from=" not in copy:
                assert f"chmod 644 {copy.split()[-1]} &&" in runs


def test_what_is_installed_is_locked() -> None:
    installs = [
        command.strip()
        for _, run in RUNS
        for command in run.split("&&")
        if re.search(r"\bpip\b.* install ", command)
    ]

    assert len(installs) == 4
    for install in installs:
        assert re.search(r"--require-hashes -r |--no-deps --no-index ", install), install
    assert "PIP_ONLY_BINARY" in image_environment("build"), (
        "a package's own build would bring what is not locked"
    )


def test_bytecode_and_files_tell_nothing_of_when_they_were_made() -> None:
    for made in ("packages", "packages-loadtest"):
        (run,) = STAGES[made].all("RUN")
        assert run.startswith(
            "PYTHONHASHSEED=0 python -m compileall -q -f --invalidation-mode unchecked-hash "
        )
        assert "touch --no-dereference --date=@0" in run


def test_the_image_is_of_compiled_code_and_has_no_compiler() -> None:
    (wheel,) = (run for run in STAGES["build"].all("RUN") if "hatchling build" in run)

    assert wheel.startswith("HATCH_BUILD_HOOKS_ENABLE=1 CFLAGS=-g0 ")
    assert [name for name, run in RUNS if "gcc" in run] == ["build"]


def test_no_package_brings_its_tests_along() -> None:
    (install,) = STAGES["build-loadtest"].all("RUN")

    assert "find /app/lib -type d -name tests -prune -exec rm -r {} +" in install


def test_everything_that_is_copied_is_there_and_in_the_context() -> None:
    let_through = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    ]
    copies = [copy for stage in STAGES.values() for copy in stage.all("COPY") if "--from=" not in copy]
    sources = [source for copy in copies for source in copy.split()[:-1]]

    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [s for s in sources if not any(fnmatch(s, pattern) for pattern in let_through)] == []
    assert not [pattern for pattern in let_through if pattern not in sources], "nothing else is sent along"


def test_every_stage_runs_a_python_that_the_project_runs_on() -> None:
    bases = {stage.base for stage in STAGES.values()} - STAGES.keys()

    assert bases == {"${BASE}"}
    assert ARGUMENTS["BASE"] == "python:3.13-slim-trixie"


@pytest.mark.parametrize("target", IMAGES)
def test_an_image_says_of_which_version_and_licence_it_is(target: str) -> None:
    (label,) = (label for stage in lineage(target) for label in stage.all("LABEL"))

    named = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', label))
    assert named == {"title": PROJECT["name"], "licenses": PROJECT["license"], "version": "${VERSION}"}
    assert ARGUMENTS["VERSION"] == "", "it is told; the file has no copy of it"


@pytest.mark.parametrize("target", IMAGES)
def test_an_image_sets_only_settings_that_exist(target: str) -> None:
    own = image_environment(target).keys() - INTERPRETERS

    assert own <= VARIABLES
    assert not [name for name in own if "SECRET" in name or "TOKEN" in name]


def test_an_image_exposes_the_ports_that_its_program_listens_on() -> None:
    node, observer = node_settings.Settings.model_fields, subject.settings.Settings.model_fields

    assert STAGES["gateway"].all("EXPOSE") == [f"{node['port'].default} {node['admin_port'].default}"]
    assert STAGES["subject"].all("EXPOSE") == [str(observer["port"].default)]
    assert STAGES["loadtest"].all("EXPOSE") == ["9000 8089"]


@pytest.mark.parametrize(
    ("target", "variable", "served_by"),
    [
        ("gateway", "GATEWAY_ADMIN_PORT", "gateway/admin.py"),
        ("subject", "SUBJECT_PORT", "subject/dashboard/static_files.py"),
    ],
)
def test_a_health_check_asks_for_a_page_that_is_there(target: str, variable: str, served_by: str) -> None:
    *program, path, port, asked = STAGES[target].check()

    assert program == ["python", "/healthcheck.py"]
    assert asked == variable
    model = node_settings.Settings if target == "gateway" else subject.settings.Settings
    assert port == str(model.model_fields[variable.partition("_")[2].lower()].default)
    assert path in strings(ROOT / served_by)


def strings(file: Path) -> set[str]:
    """All texts in a module."""
    tree = ast.walk(ast.parse(file.read_text()))
    return {node.value for node in tree if isinstance(node, ast.Constant) and isinstance(node.value, str)}
