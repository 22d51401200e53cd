import asyncio
import json
import os
import sys
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from tests.integration.subject.publishing import (
    Run,
    audited,
    live_changes,
    nowhere,
    publish,
    publish_cluster,
    registered_only,
    subject,
    subject_process,
)
from tests.unit.subject.builders import always, even, policies, record

CLIENT = "k_0123456789abcdef"
KEY = "sk-very-secret-4711"
WHY = ("--why", "a test")


@pytest.mark.parametrize("client", ["203.0.113.7", "2001:db8::/64"])
async def test_an_address_is_a_client_where_nodes_take_it_for_one(
    redis_client: Redis, redis_url: str, client: str
) -> None:
    table = replace(registered_only(), anonymous="address")
    await publish_cluster(redis_client, even(always(60), clients={client: always(3)}), 60, table)

    done = await subject("limits", "set", client, "7/m", *WHY, redis_url=redis_url)
    shown = await subject("limits", "get", client, redis_url=redis_url)
    again = await subject("reset", client, *WHY, redis_url=redis_url)
    busiest = await subject("top", redis_url=redis_url)

    assert (done.code, shown.code, again.code) == (0, 0, 0)
    assert "7/m (override)" in shown.out
    assert client in busiest.out


async def test_an_address_is_no_client_where_keys_are_needed(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, even(always(60)), 60, registered_only())

    unused = await subject("limits", "set", "203.0.113.7", "7/m", *WHY, redis_url=redis_url)
    single = await subject("limits", "set", "2001:db8::7", "7/m", *WHY, redis_url=redis_url)

    assert (unused.code, single.code) == (2, 2)
    assert "no request without a key" in unused.err
    assert "2001:db8::/64" in single.err


async def test_limits_are_set_shown_and_unset(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], policies("100/m", {"acme": "50/s"}).table)

    done = await subject("limits", "set", "acme", "500/m", "--why", "a big day", redis_url=redis_url)
    shown = await subject("limits", "get", "acme", "--json", redis_url=redis_url)
    undone = await subject("limits", "unset", "acme", redis_url=redis_url)
    again = await subject("limits", "unset", "acme", redis_url=redis_url)

    (limit,) = json.loads(shown.out)["limits"]
    assert done == Run(
        0,
        "acme now has 500/m (was 50/s, client); nodes take it over within a second. "
        f"Undo: subject limits unset acme --revision {limit['revision']}\n",
        "",
    )
    assert (limit["client"], limit["limit"], limit["source"]) == ("acme", "500/m", "override")
    assert limit["why"] == "a big day"
    assert "acme no longer has 500/m" in undone.out
    assert (again.code, "nothing was changed" in again.out) == (0, True)
    records = await audited(redis_client)
    assert [(one.action, one.before, one.after) for one in records] == [
        ("set", None, "500/m"),
        ("unset", "500/m", None),
    ]
    assert records[0].by


async def test_limits_shows_the_default_the_plans_and_who_has_one(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], policies("100/m", {"acme": "50/s"}).table)
    await subject("limits", "set", CLIENT, "7/s", "--why", "x", redis_url=redis_url)

    run = await subject("limits", redis_url=redis_url)

    assert "Default 100/m" in run.out
    assert "50/s (client)" in run.out
    assert "7/s (override)" in run.out


async def test_limits_takes_one_look(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], policies("100/m", {"acme": "50/s"}).table)
    await redis_client.config_resetstat()

    await subject("limits", redis_url=redis_url)

    statistics: Any = await redis_client.info("commandstats")
    assert statistics["cmdstat_xrange"]["calls"] == 3  # of the telemetry, the history and the audit


async def test_a_reset_says_what_it_did(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()])

    run = await subject("reset", CLIENT, redis_url=redis_url)

    assert (run.code, run.err) == (0, "")
    assert "begins anew (generation 1)" in run.out
    assert (await live_changes(redis_client)).generations == {CLIENT: 1}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["limits", "set", CLIENT, "many", *WHY], "write N/period, as in 100/m"),
        (["limits", "set", CLIENT, *WHY], "the following arguments are required: N/PERIOD"),
        (["limits", "set", "no id!", "5/s", *WHY], "subject whois tells the id"),
        (["limits", "set", "nobody", "5/s", *WHY], "no node knows a client nobo… (registered: acme)"),
        (["reset", "acne"], "no node knows a client acne (registered: acme); subject top lists who sends, "),
        (["reset", CLIENT, "--why", "\udcff"], "is not Unicode"),
        (["limits", "set", CLIENT, "5/s", "--why", "\udcff"], "is not Unicode"),
        (["limits", "set", CLIENT, "5/s"], "the following arguments are required: --why"),
        (["limits", "set", CLIENT, "600"], "write /m behind the number (see subject limits set --help)"),
        (
            ["limits", "set", CLIENT, "5/s", "--why", "x" * 301],
            "has 301 characters: 300 at most go to the audit",
        ),
        (
            ["limits", "set", CLIENT, "5/s", *WHY, "--for", "soon"],
            "write a whole number and s, m, h or d, as in",
        ),
        (
            ["limits", "set", CLIENT, "5/s", *WHY, "--for", "1.5h"],
            "write a whole number and s, m, h or d, as in",
        ),
        (["limits", "set", CLIENT, "5/s", *WHY, "--for", "0m"], "a duration is between 1s and 366d"),
        (["limits", "set", CLIENT, "5/s", *WHY, "--for", "367d"], "a duration is between 1s and 366d"),
        (["audit", "--since", "yesterday"], "write a whole number and s, m, h or d, as in"),
        (["audit", "--client", "no id!"], "subject whois tells the id"),
        (["limits", "get", "no id!"], "subject whois tells the id"),
        (["limits", "unset", "no id!"], "subject whois tells the id"),
        (["reset", "no id!"], "subject whois tells the id"),
        (["reset"], "the following arguments are required: CLIENT"),
        (["frobnicate"], "there is no 'frob…': write one of status, nodes, top, diagnose, "),
        (["diagnos"], "there is no 'diag…': did you mean diagnose? (see subject --help)"),
        (["limits", "gett", "acme"], "there is no 'gett': did you mean get? (see subject limits --help)"),
        (["top", "--by", "x"], "there is no 'x': write one of busiest, refused, nearest (see "),
        (["status", "--jsno"], "'--js…'; did you mean --json? (see subject status --help)"),
        (
            ["diagnose", "--explain"],
            "argument --explain: expected one argument (see subject diagnose --help)",
        ),
        (["limits", "set", CLIENT, "5/x", *WHY], "'5/x' is not a limit: write N/period, as in 100/m"),
        ([], "COMMAND"),
    ],
)
async def test_bad_input_is_one_line_that_says_what_would_be_right(
    redis_client: Redis, redis_url: str, arguments: list[str], expected: str
) -> None:
    await publish(redis_client, [record()], policies(clients={"acme": "5/s"}).table)

    run = await subject(*arguments, redis_url=redis_url)

    assert (run.code, run.out) == (2, "")
    assert run.err.count("\n") == 1
    assert expected in run.err
    assert await redis_client.exists(keys.OVERRIDES, keys.AUDIT) == 0


async def test_output_that_cannot_be_written_is_one_line(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()])
    full = os.open("/dev/full", os.O_WRONLY)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "subject", "nodes"),
        stdout=full,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "REDIS_URL": redis_url},
    )
    os.close(full)
    _, err = await asyncio.wait_for(process.communicate(), 20)

    assert process.returncode == 3
    assert err == b"subject: cannot write the output: No space left on device\n"


async def test_what_was_changed_for_a_name_that_has_gone_can_be_taken_back(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], policies(clients={"acme": "5/s"}).table)
    await subject("limits", "set", "acme", "7/s", "--why", "x", redis_url=redis_url)
    await redis_client.delete(*[key async for key in redis_client.scan_iter("ratelimit:policies:*")])

    refused = await subject("limits", "set", "acme", "9/s", "--why", "x", redis_url=redis_url)
    runs = [
        await subject(*arguments, redis_url=redis_url)
        for arguments in (
            ["limits", "get", "acme"],
            ["reset", "acme"],
            ["limits", "unset", "acme"],
            ["reset", "acme"],
        )
    ]

    assert refused.code == 2
    assert [run.code for run in runs] == [0, 0, 0, 0]


async def test_a_malformed_override_is_shown_and_left_out(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()], policies().table)
    await redis_client.hset(keys.OVERRIDES, f"limit:{CLIENT}", "{")

    run = await subject("limits", redis_url=redis_url)

    assert run.code == 0
    assert f"override limit:{CLIENT}" in run.out


async def test_a_malformed_setting_is_one_line_and_exit_2() -> None:
    run = await subject("status", redis_url=nowhere(), settings={"SUBJECT_NODES": "x"})

    assert (run.code, run.out) == (2, "")
    assert (
        run.err == "subject: SUBJECT_NODES=x: write admin addresses as HOST:PORT, with commas between them\n"
    )


async def test_a_misspelt_setting_is_warned_of() -> None:
    run = await subject("status", redis_url=nowhere(), settings={"SUBJECT_SKEWRATIO": "2"})

    assert "SUBJECT_SKEWRATIO is no setting" in run.err


async def test_help_and_version_are_there() -> None:
    assert (await subject_process("--version", redis_url=nowhere())).out.startswith("subject ")
    assert "diagnose" in (await subject_process("--help", redis_url=nowhere())).out


async def test_processes_end_with_the_codes_of_the_command_line(redis_client: Redis, redis_url: str) -> None:
    await publish(redis_client, [record()])
    wrong = await subject_process("limits", "set", CLIENT, "many", *WHY, redis_url=redis_url)
    away = await subject_process("reset", CLIENT, redis_url=nowhere())
    done = await subject_process("limits", "set", CLIENT, "5/s", *WHY, redis_url=redis_url)
    who = await subject_process("whois", redis_url=nowhere(), stdin=KEY)

    assert [run.code for run in (wrong, away, done, who)] == [2, 3, 0, 0]
    assert KEY not in who.out + who.err
