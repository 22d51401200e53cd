"""The units of systemd, held against the code; `test_tools.py` has what systemd says of them."""

import re
from pathlib import Path

import pytest

import gateway.config.settings
import subject.settings
from gateway.listener import SPARE_DESCRIPTORS
from tests.deployment.composed import megabytes, most_megabytes
from tests.deployment.units import UNITS
from tests.project import ROOT

EACH = pytest.mark.parametrize("name", UNITS)


def lines(name: str) -> list[tuple[str, str]]:
    """Each setting with its value."""
    text = (ROOT / "systemd" / UNITS[name]).read_text()
    return [(key, value) for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE)]


def sandbox(name: str) -> list[tuple[str, str]]:
    """What it may not do."""
    given = lines(name)
    return given[given.index(("DynamicUser", "yes")) : given.index(("WantedBy", "multi-user.target"))]


@EACH
def test_a_unit_starts_a_command_of_the_project(name: str) -> None:
    (command,) = (value for key, value in lines(name) if key == "ExecStart")

    program, *arguments = command.split()
    assert program == f"/opt/operator-ratelimiter/.venv/bin/{name}"
    assert arguments == ([] if name == "gateway" else ["serve"])


@EACH
def test_a_secret_is_a_credential_that_the_program_reads(name: str) -> None:
    loaded = dict(value.split(":") for key, value in lines(name) if key == "LoadCredential")
    settings = gateway.config.settings if name == "gateway" else subject.settings
    known = {settings.variable(field) for field in settings.Settings.model_fields}

    assert "REDIS_URL" in loaded
    assert loaded.keys() <= known
    for variable, path in loaded.items():
        assert Path(path).parent == Path("/etc/ratelimiter/secrets"), variable
    assert not [value for key, value in lines(name) if key == "Environment"]


def test_the_paths_are_those_that_the_script_for_secrets_makes() -> None:
    made = (ROOT / "docker/secrets.sh").read_text()
    paths = [value.split(":")[1] for name in UNITS for key, value in lines(name) if key == "LoadCredential"]

    assert [path for path in paths if f">{Path(path).name}\n" not in made] == []


def test_both_units_may_do_the_same() -> None:
    assert sandbox("gateway") == sandbox("subject")
    assert len(sandbox("gateway")) > 25


def test_a_node_has_the_time_the_files_and_the_memory_that_it_may_need() -> None:
    given, fields = dict(lines("gateway")), gateway.config.settings.Settings.model_fields

    assert int(given["TimeoutStopSec"]) >= fields["drain_timeout"].default + 5
    connections = fields["max_connections"].default
    descriptors = connections + min(connections, fields["upstream_connections"].default)
    assert int(given["LimitNOFILE"]) >= descriptors + SPARE_DESCRIPTORS
    assert megabytes(given["MemoryMax"]) >= most_megabytes(
        connections, fields["upstream_connections"].default
    )
    assert given["OOMPolicy"] == "continue", (
        "a worker that is ended is started by the node, and the others stay"
    )


def test_a_malformed_setting_is_not_tried_for_ever() -> None:
    for name in UNITS:
        given = dict(lines(name))
        assert (given["Restart"], given["RestartPreventExitStatus"]) == ("on-failure", "2")


def test_a_reload_is_the_signal_by_which_a_node_reads_its_files_anew() -> None:
    reload = dict(lines("gateway"))["ExecReload"]

    assert reload == "/bin/sh -c 'kill -HUP $MAINPID'", "not every machine has /bin/kill"
    assert "signal.SIGHUP" in (ROOT / "gateway/cli.py").read_text()
