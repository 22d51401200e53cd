"""Commands whose input or output is closed, in another encoding, no text, endless, or left by its reader."""

import asyncio
import os
import sys

import pytest
from redis.asyncio import Redis

from tests.integration.subject.publishing import environment, nowhere, publish_cluster
from tests.integration.subject.terminal import terminal_with, typed_at
from tests.unit.subject.builders import always, even, policies

KEY = "sk-very-secret-4711"


async def in_a_shell(line: str, redis_url: str, stdin: bytes = b"", **settings: str) -> tuple[int, bytes]:
    """`line` with ``$S`` for ``python -m subject``: its exit code, and what it wrote to either stream."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", line),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**environment(redis_url, settings), "S": f"{sys.executable} -m subject"},
    )
    written, _ = await asyncio.wait_for(process.communicate(stdin), 60)
    assert b"Traceback" not in written, written.decode(errors="replace")
    return process.returncode or 0, written


@pytest.mark.parametrize(
    ("command", "closing", "code"),
    [
        ("status", ">&-", 0),
        ("nodes --json", "<&- >&- 2>&-", 0),
        ("watch --for 1s", "<&- >&-", 0),
        ("diagnose --explain nothing", "2>&-", 2),
    ],
)
async def test_a_stream_that_is_closed_changes_no_exit_code(
    redis_client: Redis, redis_url: str, command: str, closing: str, code: int
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60)

    assert (await in_a_shell(f"$S {command} {closing}", redis_url))[0] == code


async def test_what_is_written_to_a_closed_stream_reaches_no_connection(
    redis_client: Redis, redis_url: str
) -> None:
    await publish_cluster(redis_client, even(always(60)), 60, policies(clients={"acme": "5/s"}).table)
    code, written = await in_a_shell('$S limits set acme 7/s --why x >&- ; echo "$?"', redis_url)

    assert (code, written) == (0, b"0\n")


@pytest.mark.parametrize("command", ["top", "watch --for 1s"])
async def test_an_encoding_without_a_sign_gets_its_escape(
    redis_client: Redis, redis_url: str, command: str
) -> None:
    await publish_cluster(redis_client, even(always(60), clients={"käse": always(9)}), 60)
    code, written = await in_a_shell(f"$S {command}", redis_url, PYTHONIOENCODING="ascii")

    assert code == 0
    assert written.isascii()


@pytest.mark.parametrize("closed", ["2>/dev/full", "2>&1 | true"])
async def test_whoever_does_not_read_an_error_changes_no_exit_code(closed: str) -> None:
    code, _ = await in_a_shell(f"$S audit {closed}; exit ${{PIPESTATUS[0]}}", nowhere())

    assert code == 3


@pytest.mark.parametrize("command", ["status", "nodes --json"])
async def test_a_reader_who_has_gone_is_no_finding(redis_client: Redis, redis_url: str, command: str) -> None:
    await publish_cluster(redis_client, even(always(60)), 60)

    assert await in_a_shell(f"$S {command} | true; exit ${{PIPESTATUS[0]}}", redis_url) == (0, b"")


@pytest.mark.parametrize("stdin", [b"\xff\xfe" + KEY.encode() + b"\n", KEY.encode() + b"\x80\n"])
async def test_a_key_that_is_no_text_is_refused_and_not_shown(stdin: bytes) -> None:
    code, written = await in_a_shell("$S whois", nowhere(), stdin, PYTHONIOENCODING="utf-8")

    assert (code, written.count(b"\n")) == (2, 1)
    assert KEY.encode() not in written


async def test_a_key_without_end_is_not_read_to_it() -> None:
    code, written = await in_a_shell("ulimit -v 4000000; $S whois < /dev/zero", nowhere())

    assert (code, written.count(b"\n")) == (2, 1)


async def test_an_answer_that_is_no_text_is_refused_in_a_line(redis_client: Redis, redis_url: str) -> None:
    await publish_cluster(redis_client, even(always(60)), 60)
    code, written = await in_a_shell("$S why --answer", redis_url, b'\xff{"violated-policies": \xfe')

    assert (code, written.count(b"\n")) == (2, 1)


async def test_who_is_to_paste_an_answer_is_told_so_and_how_to_end_it() -> None:
    async with typed_at("why", "--answer") as (process, terminal, _):
        assert process.stderr is not None
        asked = await asyncio.wait_for(process.stderr.readuntil(b"Ctrl-D\n"), 30)
        os.write(terminal, b"this is no refusal\n\x04")
        _, err = await asyncio.wait_for(process.communicate(), 30)

    assert asked == b"subject: paste the answer, as curl -i shows it, then Enter and Ctrl-D\n"
    assert (process.returncode, err.count(b"\n")) == (2, 1)


async def test_nothing_typed_for_a_key_is_wrong_use() -> None:
    async with typed_at("whois") as (process, terminal, _):
        assert process.stderr is not None
        await asyncio.wait_for(process.stderr.readuntil(b"paste it): "), 30)
        os.write(terminal, b"\x04")
        _, err = await asyncio.wait_for(process.communicate(), 30)

    assert process.returncode == 2
    assert b"Traceback" not in err


@pytest.mark.parametrize(
    ("columns", "longest"), [("40", 40), ("²", 80), ("0", 80), ("-3", 80), ("99999999", 80), ("9" * 5000, 80)]
)
async def test_a_terminal_is_as_wide_as_is_asked_for_in_a_number_or_as_it_is(
    redis_client: Redis, redis_url: str, columns: str, longest: int
) -> None:
    await publish_cluster(redis_client, even(always(60), refused=always(15)), 60)
    given = environment(redis_url, {"COLUMNS": columns, "NO_COLOR": "1"})
    async with terminal_with("subject", "diagnose", environment=given) as terminal:
        assert await terminal.ended() == 1
        await terminal.until(lambda: terminal.text.endswith("\n"))

    assert longest - 10 < max(map(len, terminal.text.splitlines())) <= longest
