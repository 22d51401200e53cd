import logging
import time
from pathlib import Path

import pytest

from gateway import cli
from gateway.config.tls import CertificateFiles, server_certificate
from gateway.errors import StartError
from tests.certificates import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def days_left(files: CertificateFiles) -> float:
    return (files.valid_until - time.time()) / 86400


def test_without_settings_there_is_no_tls() -> None:
    assert server_certificate(None, None) is None


@pytest.mark.parametrize("present", [0, 1])
def test_one_file_alone_is_a_mistake(authority: Authority, present: int) -> None:
    pair = [path if at == present else None for at, path in enumerate(authority.sign())]

    with pytest.raises(StartError, match="GATEWAY_TLS_CERT and GATEWAY_TLS_KEY belong together") as error:
        server_certificate(*pair)
    assert error.value.exit_code == 2


def test_what_cannot_be_used_stops_the_start(authority: Authority) -> None:
    certificate, key = authority.sign(days=(-9, -1))

    with pytest.raises(StartError, match=r"GATEWAY_TLS_CERT and .*: .*node\.pem: the certificate expired"):
        server_certificate(certificate, key)


@pytest.mark.parametrize(("days", "warned"), [(13.5, True), (15.0, False)])
def test_an_end_that_is_near_is_told(
    authority: Authority, caplog: pytest.LogCaptureFixture, days: float, warned: bool
) -> None:
    files = CertificateFiles(*authority.sign(days=(-1, days)))

    assert days_left(files) == pytest.approx(days, abs=0.01)
    assert ("expires in 13.5 days" in caplog.text) == warned


def test_changed_files_are_taken_when_they_are_looked_at(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    files = CertificateFiles(*authority.sign())
    before = files.context
    files.poll()
    assert files.context is before

    authority.sign(days=(-1, 30))
    files.poll()

    assert files.context is not before
    assert days_left(files) == pytest.approx(30, abs=0.01)


def test_a_link_that_leads_elsewhere_is_a_change(authority: Authority) -> None:
    """Kubernetes and certbot replace links."""
    links = [authority.folder / name for name in ("tls.crt", "tls.key")]
    for link, path in zip(links, authority.sign("one"), strict=True):
        link.symlink_to(path)
    files = CertificateFiles(*links)
    for link, path in zip(links, authority.sign("two", days=(-1, 30)), strict=True):
        link.unlink()
        link.symlink_to(path)
    files.poll()

    assert days_left(files) == pytest.approx(30, abs=0.01)


def test_a_pair_that_is_half_new_is_not_taken_and_is_told_once(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = authority.sign()
    files = CertificateFiles(certificate, key)
    before = files.context
    old_key = key.read_bytes()
    authority.sign(days=(-1, 30))
    new_key = key.read_bytes()
    key.write_bytes(old_key)
    for _ in range(3):
        files.poll()

    assert files.context is before
    assert days_left(files) == pytest.approx(90, abs=0.01)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "the certificate in use stays: " in record.getMessage()
    assert "is not the key of the certificate" in record.getMessage()

    key.write_bytes(new_key)
    files.poll()
    assert files.context is not before


def test_a_check_of_the_settings_reads_the_files(
    authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    certificate, key = authority.sign(days=(-9, -1))
    flags = ["--check", "--upstream-url", "http://127.0.0.1:9000", "--tls-cert", str(certificate)]

    assert cli.main([*flags, "--tls-key", str(key)]) == 2
    assert "the certificate expired on" in capsys.readouterr().err
    authority.sign()
    assert cli.main([*flags, "--tls-key", str(key)]) == 0
    assert f"GATEWAY_TLS_CERT={certificate}" in capsys.readouterr().out
