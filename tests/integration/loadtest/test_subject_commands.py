"""Asking the subject by its commands, against a Redis that nodes write to, or that is not there."""

from pathlib import Path

import pytest

from gateway.contract.records import Totals
from loadtest import cluster
from loadtest.ports import free_port
from loadtest.subject_commands import Report, Subject, SubjectError


async def test_a_fresh_cluster_is_healthy_and_has_counted_nothing(tmp_path: Path) -> None:
    async with cluster.running(cluster.Plan(nodes=2)) as running:
        subject = Subject({**running.environment, "REDIS_URL": running.redis_url}, tmp_path)
        report = await subject.ask(Report, "diagnose")
        totals = await subject.node_totals()
    assert (report.healthy, report.findings) == (True, ())
    assert totals == dict.fromkeys(("node-1", "node-2"), Totals())
    assert not list(tmp_path.iterdir())


async def test_a_subject_that_cannot_see_says_so_in_its_report(tmp_path: Path) -> None:
    environment = {
        **cluster.own_environment(),
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    report = await Subject(environment, tmp_path).ask(Report, "diagnose")
    assert [found.code for found in report.findings] == ["observer_blind"]
    assert not list(tmp_path.iterdir())


async def test_a_subject_that_does_not_run_is_an_error_with_its_own_words(tmp_path: Path) -> None:
    environment = {**cluster.own_environment(), "REDIS_URL": "nowhere"}
    with pytest.raises(SubjectError, match=r"subject diagnose exited with 2: .*REDIS_URL"):
        await Subject(environment, tmp_path).ask(Report, "diagnose")
    assert not list(tmp_path.iterdir())
