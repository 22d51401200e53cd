"""docker/secrets.sh: passwords, users and certificates for compose.hardened.yaml."""

import re
import stat
import subprocess
from pathlib import Path

import pytest

from gateway.contract.redis_url import parse_redis_url
from tests.deployment.composed import HARDENED
from tests.deployment.secret_files import ONLY_ITS_OWNERS
from tests.project import ROOT

pytestmark = pytest.mark.system  # openssl


def test_the_files_are_those_that_compose_mounts(secrets: Path) -> None:
    mounted = {Path(secret["file"]).name for secret in HARDENED["secrets"].values()}

    assert {path.name for path in secrets.iterdir()} == mounted | ONLY_ITS_OWNERS


def test_the_folder_is_its_owners_and_what_is_mounted_can_be_read_by_the_containers_users(
    secrets: Path,
) -> None:
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()}
    assert {name for name, mode in modes.items() if mode == 0o600} == ONLY_ITS_OWNERS
    assert set(modes.values()) == {0o600, 0o644}


def test_it_does_not_write_over_what_is_there(secrets: Path) -> None:
    before = (secrets / "users.acl").read_text()
    command = ["sh", str(secrets.parent / "secrets.sh")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert run.returncode == 2
    assert "is there" in run.stderr
    assert (secrets / "users.acl").read_text() == before


def test_users_have_the_rights_of_the_acl_file_and_no_password_in_plain(secrets: Path) -> None:
    made = (secrets / "users.acl").read_text().splitlines()
    shipped = (ROOT / "docker/users.acl").read_text().splitlines()

    assert [re.sub(r" #[0-9a-f]{64}$", "", line) for line in made[: len(shipped)]] == shipped
    assert [line.split()[1] for line in made[len(shipped) :]] == ["health", "admin"]
    assert "nopass" not in "".join(line for line in made if not line.startswith("user health "))
    for file in ("gateway-redis-url", "subject-redis-url"):
        password = parse_redis_url((secrets / file).read_text().strip()).password
        assert password is not None
        assert len(password) == 48
        assert password not in "".join(made)


@pytest.mark.parametrize("name", ["redis", "gateway"])
def test_a_certificate_is_one_that_a_strict_client_believes(secrets: Path, name: str) -> None:
    names = ["redis"] if name == "redis" else ["localhost", "node-1", "api.example.com"]
    for host in names:
        assert verified(secrets, name, host)
    assert not verified(secrets, name, "elsewhere.example")


def verified(secrets: Path, name: str, host: str) -> bool:
    """Whether OpenSSL accepts it for this host, by the rules that Python has by default from 3.13 on."""
    chain = ["-CAfile", str(secrets / "ca.crt"), str(secrets / f"{name}.crt")]
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", host, *chain]
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0
