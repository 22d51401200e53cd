"""compose.hardened.yaml, held against the settings and compose.yaml."""

import re
import subprocess
from pathlib import Path

import pytest

from gateway.config.settings import CREDENTIALS as CREDENTIALS_VARIABLE
from tests.deployment.composed import (
    CREDENTIALS,
    GATEWAY_VARIABLES,
    HARDENED,
    NODES,
    SERVICES,
    SUBJECT_VARIABLES,
    host_files,
)
from tests.deployment.secret_files import ONLY_ITS_OWNERS, SECRETS
from tests.project import ROOT

SECRET_AS_ARGUMENT = re.compile(r"""(?:-e|--env|--pass|-a)[ =]\S*"?\$\(cat .*""")


def test_every_service_of_the_overlay_is_one_of_the_cluster() -> None:
    assert HARDENED["services"].keys() == {"redis", *NODES, "subject", "locust"}
    assert HARDENED["services"].keys() <= SERVICES.keys()


def test_every_secret_is_declared_and_used() -> None:
    used = {
        secret if isinstance(secret, str) else secret["source"]
        for service in HARDENED["services"].values()
        for secret in service.get("secrets", ())
    }

    assert used == HARDENED["secrets"].keys()


@pytest.mark.parametrize("service", [*NODES, "subject"])
def test_every_variable_is_a_setting_and_none_holds_a_secret(service: str) -> None:
    given = HARDENED["services"][service]["environment"]
    known = SUBJECT_VARIABLES if service == "subject" else GATEWAY_VARIABLES

    assert given.keys() <= known | {CREDENTIALS_VARIABLE}
    credentials = {
        secret["target"] for secret in HARDENED["services"][service]["secrets"] if isinstance(secret, dict)
    }
    assert credentials <= known
    assert {name: given[name] for name in credentials} == dict.fromkeys(credentials, ""), (
        "they would go before"
    )
    assert given[CREDENTIALS_VARIABLE] == str(CREDENTIALS)


def test_a_secret_goes_to_those_who_need_it_only() -> None:
    held = {service: set(host_files(service, {})) for service in HARDENED["services"]}
    named = {service: {Path(path).name for path in paths} for service, paths in held.items()}

    assert [service for service, names in named.items() if "redis.key" in names] == ["redis"]
    assert [service for service, names in named.items() if "gateway.key" in names] == list(NODES)
    assert [service for service, names in named.items() if "SUBJECT_TOKEN" in names] == ["subject"]
    assert not [names for names in named.values() if names & ONLY_ITS_OWNERS]


def test_the_secrets_stay_out_of_the_repository_and_the_image() -> None:
    ignored = subprocess.run(
        ["git", "check-ignore", f"{SECRETS}/ca.key"],  # noqa: S607 - as the caller's PATH has it
        cwd=ROOT,
        capture_output=True,
        check=False,
    )

    assert ignored.returncode in (0, 128), "128: not a repository"
    assert f"{SECRETS}/" in (ROOT / ".gitignore").read_text().splitlines()
    assert (ROOT / ".dockerignore").read_text().startswith("*\n")


def test_no_page_puts_a_secret_into_an_argument_which_others_can_read() -> None:
    pages = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), ROOT / "compose.hardened.yaml"]

    shown = {page.name: SECRET_AS_ARGUMENT.findall(page.read_text()) for page in pages}
    assert {name: found for name, found in shown.items() if found} == {}
