"""Names and reasons full of HTML, escape sequences and line ends change nothing but what they name."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from gateway.contract import keys
from gateway.contract.limits import parse_limits
from gateway.contract.overrides import LIMIT_FIELD, Override
from gateway.contract.policy_table import ClientPolicy, Terms
from gateway.contract.records import (
    STREAM_FIELD,
    AuditRecord,
    ClientCount,
    LiveChanges,
    Reloads,
    RosterEntry,
    encode,
)
from subject.cluster.snapshot import take
from subject.commands.parser import build
from subject.diagnosis.problems import diagnose
from subject.output.exposition import exposition
from subject.settings import load
from subject.telemetry.reader import Reader
from subject.telemetry.redis_reads import redis_time
from tests.integration.subject.publishing import PATIENT, environment, subject, subject_process
from tests.integration.subject.terminal import terminal_with
from tests.unit.subject.builders import NodeScript, always, policies

CLIENT = "k_0123456789abcdef"
HOSTILE = {
    "html": "<script>alert(1)</script><img src=x onerror=alert(2)>&lt;",
    "title": "\x1b]0;owned\x07",
    "clearing": "\x1b[2J\x1b[1;1H\x1b[31mALL WELL",
    "lines": "one\nLINE two\r\nLINE three\rLINE four",
    "c1": "\x9b31m\x9d0;owned\x9c\x85",
    "directions": "\u202eevil\u2066\u2028\u2029",
    "markup": "[bold red]x[/] :skull: {{7*7}} ${HOME} `id` %s",
    "backspaces": "abc\b\b\b\x7f\x00",
}
ALL = "".join(HOSTILE.values())
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SCREEN = re.compile(r"\x1b\[(?:H|\?1049[hl]|\?25[hl]|[0-9;]*m)")
RUNS: dict[str, list[list[str]]] = {
    "status": [[]],
    "nodes": [[], ["forget", "node-x", "--why", "x"]],
    "top": [[]],
    "diagnose": [[], ["--since", "2m"], ["--explain", "limit_breach"]],
    "why": [[CLIENT]],
    "limits": [
        [],
        ["get", CLIENT],
        ["set", CLIENT, "7/m", "--why", "x"],
        ["unset", CLIENT, "--why", "x"],
    ],
    "reset": [[CLIENT, "--why", "x"]],
    "audit": [[], ["--client", CLIENT]],
    "whois": [],  # refuses a key with any of it
    "completion": [["bash"]],
    "mcp": [[]],
    "serve": [],  # the dashboard's tests give it the like
    "watch": [["--every", "1s", "--for", "1s"]],
    "record": [["FILE"]],
    "replay": [["FILE"]],
}
"""How each command is tried; FILE is one recording."""
HEEDS_SIGNALS = {"mcp", "watch"}
"""What does needs a process of its own."""
WITHOUT_JSON = (["nodes", "forget"], ["limits", "set"], ["limits", "unset"], ["diagnose", "--explain"])
WITH_JSON = {"status", "nodes", "top", "diagnose", "why", "limits", "audit", "watch", "replay"}


async def write(redis: Redis, text: str) -> None:
    """A cluster of two nodes that has `text` wherever somebody else's text may stand."""
    at = await redis_time(redis)
    async with redis.pipeline(transaction=False) as pipe:
        digest = _write_limits(pipe, text, at)
        for number, name in enumerate((f"node-{text}", "node-1")):
            _write_node(pipe, text, at, name, number / 3, digest)
        pipe.hset(keys.NODES, f"unread{text}", text)
        done = AuditRecord(at, text, text, text, text, text, text, at)
        for action in (done, replace(done, client=CLIENT)):
            pipe.xadd(keys.AUDIT, {STREAM_FIELD: encode(action)})
        pipe.xadd(keys.AUDIT, {STREAM_FIELD: text})
        await pipe.execute()


def _write_limits(pipe: Pipeline, text: str, at: float) -> str:
    """What nodes enforce, and live limits; the digest of the one."""
    table = policies(clients={text: "5/s", CLIENT: "100/m"}, exempt=(text,), deny=(text,)).table
    assert table is not None
    table = replace(
        table,
        plans={text: parse_limits("6/s")},
        plan_terms={text: Terms(concurrency=3)},
        clients={**table.clients, "z": ClientPolicy(text)},
    )
    digest = table.digest()
    pipe.set(keys.policy_table(digest), encode(table))
    override = Override(parse_limits("9/m"), text, at, text, at + 600)
    pipe.hset(keys.OVERRIDES, LIMIT_FIELD + CLIENT, encode(override))
    pipe.hset(keys.OVERRIDES, f"limit:{text}", text)
    return digest


def _write_node(pipe: Pipeline, text: str, at: float, name: str, phase: float, digest: str) -> None:
    """Its records of a minute, and its entry in the roster."""
    script = NodeScript(
        name,
        always(60),
        refused=always(30),
        clients={f"{text}{n}": always(5) for n in range(3)} | {CLIENT: always(20)},
        refused_clients={f"{text}{n}": always(5) for n in range(3)} | {CLIENT: always(15)},
        phase=phase,
    )
    written = script.records(60)
    later = at - written[-1].at
    for one in written:
        record = replace(
            one,
            at=one.at + later,
            started_at=one.started_at + later,
            store=replace(one.store, connected=False, trouble=text, fallbacks=one.store.decisions),
            overrides=LiveChanges(1, 1, (text,), text, at - 5),
            reloads=Reloads(1, 1, at - 5, text),
            busiest=(*one.busiest, ClientCount(text, 10**6, 0)),
        )
        pipe.xadd(keys.TELEMETRY, {STREAM_FIELD: encode(record)})
    entry = RosterEntry(f"{text}:1", f"{text}:2", text, digest, record)
    pipe.hset(keys.NODES, name, encode(entry))


def arguments(file: Path) -> Iterator[list[str]]:
    """All ways in which commands are tried, a recording before its replay."""
    for command, ways in RUNS.items():
        for way in ways:
            yield [command, *(str(file) if word == "FILE" else word for word in way)]


def test_each_command_is_tried() -> None:
    (commands,) = [action for action in build()._actions if action.dest == "command"]
    assert commands.choices is not None

    assert set(commands.choices) == RUNS.keys()


async def test_no_text_draws_anything_and_none_makes_a_line(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    for words in arguments(tmp_path / "a.jsonl"):
        await redis_client.flushall()
        await write(redis_client, ALL)
        way = subject_process if words[0] in HEEDS_SIGNALS else subject
        run = await way(*words, redis_url=redis_url, stdin=f"{ALL}\n")

        assert run.code in (0, 1, 2), words
        for text in (run.out, run.err):
            assert text.replace("\n", "").isprintable(), words
            assert [line for line in text.splitlines() if line.lstrip().startswith("LINE")] == [], words


async def test_json_holds_it_and_is_a_line_all_the_same(
    redis_client: Redis, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "a.jsonl"
    await write(redis_client, ALL)
    await subject("record", str(file), redis_url=redis_url)

    for words in arguments(file):
        if words[0] not in WITH_JSON or words[:2] in WITHOUT_JSON:
            continue
        run = await subject(*words, "--json", redis_url=redis_url)
        assert run.out.replace("\n", "").isprintable(), words
        documents = [json.loads(line) for line in run.out.splitlines()]
        assert documents, words
        if words == ["nodes"]:
            assert [node["id"] for node in documents[0]["nodes"]][-1] == f"unread{ALL}"


@pytest.mark.parametrize("command", ["status", "nodes", "top", "diagnose", "limits", "audit"])
async def test_a_terminal_gets_colours_and_nothing_else(
    redis_client: Redis, redis_url: str, command: str
) -> None:
    await write(redis_client, ALL)

    async with terminal_with("subject", command, environment=environment(redis_url, PATIENT)) as terminal:
        await terminal.ended()
        await terminal.until(lambda: terminal.text.endswith("\n"))

    assert COLOUR.sub("", terminal.text).replace("\r\n", "").isprintable()


async def test_the_screen_stays_a_screen(redis_client: Redis, redis_url: str) -> None:
    await write(redis_client, ALL)

    async with terminal_with("subject", "watch", environment=environment(redis_url, PATIENT)) as terminal:
        await terminal.until(lambda: any(line.startswith("node-1") for line in terminal.screen))
        screen = terminal.screen
        terminal.type("q")
        assert await terminal.ended() == 0

    assert SCREEN.sub("", terminal.text).replace("\r\n", "").replace("\n", "").isprintable()
    assert len(screen) <= 24
    assert max(map(len, screen)) <= 80


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_page_for_prometheus_has_no_other_lines(
    redis_client: Redis, redis_url: str, name: str
) -> None:
    settings = load(REDIS_URL=redis_url, node_down_seconds=60)
    await write(redis_client, HOSTILE[name])
    async with Reader(settings) as reader:
        snapshot = take(await reader.look(), settings.node_down_seconds)

    text = exposition(snapshot, diagnose(snapshot, settings))

    assert text.replace("\n", "").isprintable()
    assert [line for line in text.splitlines() if not line.startswith(("subject_", "# "))] == []
