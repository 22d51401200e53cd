"""`subject whois`: whose a key is, and that nobody else gets to see it."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from redis.asyncio import Redis

from gateway.contract.client_id import DEFAULT_SECRET, unknown_client_id
from tests.integration.subject.publishing import nowhere, publish, registered_only, subject
from tests.integration.subject.terminal import typed_at
from tests.unit.subject.builders import policies, record

KEY = "sk-very-secret-4711"


@pytest.mark.parametrize("secret", [None, "shared by all nodes"])
async def test_whois_tells_the_id_and_never_the_key(secret: str | None) -> None:
    given = {} if secret is None else {"GATEWAY_IDENTITY_SECRET": secret}

    run = await subject("whois", redis_url=nowhere(), stdin=KEY + "\n", settings=given)

    assert (run.code, run.out) == (0, unknown_client_id(KEY, secret or DEFAULT_SECRET) + "\n")
    assert KEY not in run.err
    assert ("GATEWAY_IDENTITY_SECRET" in run.err) is (secret is None)


async def test_whois_says_what_its_answer_hangs_on() -> None:
    run = await subject("whois", redis_url=nowhere(), stdin=KEY)

    assert run.err.splitlines() == [
        "subject: the id is right if nodes accept keys that are not registered, which Redis does not tell",
        "subject: if nodes have a GATEWAY_IDENTITY_SECRET, the id is another: set the same secret here",
    ]


async def test_whois_names_a_registered_client(tmp_path: Path) -> None:
    path = tmp_path / "clients.toml"
    path.write_text(f'[[clients]]\nname = "acme"\nkey = "{KEY}"\n')
    given = {"GATEWAY_CLIENTS_FILE": str(path)}

    known = await subject("whois", "--json", redis_url=nowhere(), stdin=KEY, settings=given)
    unknown = await subject("whois", redis_url=nowhere(), stdin="another", settings=given)

    assert json.loads(known.out) == {"client": "acme"}
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err == "subject: no registered client has this key (see GATEWAY_CLIENTS_FILE)\n"


async def test_whois_names_the_client_of_each_line_if_asked_to() -> None:
    given = [KEY, "another", "a third"]

    run = await subject("whois", "--all", redis_url=nowhere(), stdin=f"{KEY}\nanother\n")
    wrong = await subject("whois", "--all", redis_url=nowhere(), stdin="\n".join(given))

    assert run.out.splitlines() == [unknown_client_id(key, DEFAULT_SECRET) for key in given[:2]]
    assert (wrong.code, wrong.out) == (2, "")


async def test_whois_names_nobody_where_all_nodes_accept_registered_keys_only(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], registered_only())

    run = await subject("whois", redis_url=redis_url, stdin=KEY)

    assert (run.code, run.out) == (2, "")
    assert run.err == (
        "subject: nodes accept registered keys only: set GATEWAY_CLIENTS_FILE to their clients file to name "
        "this one\n"
    )


async def test_whois_tells_the_id_where_nodes_accept_unknown_keys(
    redis_client: Redis, redis_url: str
) -> None:
    await publish(redis_client, [record()], policies().table)

    run = await subject("whois", redis_url=redis_url, stdin=KEY)

    assert (run.code, run.out) == (0, unknown_client_id(KEY, DEFAULT_SECRET) + "\n")
    assert "does not tell" not in run.err


@pytest.mark.parametrize("stdin", ["", "\n", "two words\n", "é\n", "x" * 300])
async def test_whois_refuses_what_is_no_key(stdin: str) -> None:
    run = await subject("whois", redis_url=nowhere(), stdin=stdin)

    assert (run.code, run.out) == (2, "")
    assert run.err.count("\n") == 1
    assert stdin.strip() == "" or stdin.strip() not in run.err


@pytest.mark.parametrize("content", [None, "[[clients]]\n", "\x00"])
async def test_an_unusable_clients_file_is_one_line(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "clients.toml"
    if content is not None:
        path.write_text(content)

    run = await subject("whois", redis_url=nowhere(), stdin=KEY, settings={"GATEWAY_CLIENTS_FILE": str(path)})

    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(f"subject: GATEWAY_CLIENTS_FILE={path}: ")
    assert run.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "typed", "prompt"),
    [
        ((), [KEY], b"API key (not shown as you type or paste it): "),
        (
            ("--all",),
            [KEY, "another", ""],
            b"API key (not shown as you type or paste it; an empty line ends): ",
        ),
    ],
    ids=["one", "all"],
)
async def test_a_key_typed_in_a_terminal_is_asked_for_and_not_echoed(
    options: tuple[str, ...], typed: list[str], prompt: bytes
) -> None:
    async with typed_at("whois", *options) as (process, terminal, inner):
        assert process.stderr is not None
        asked = b""
        for key in typed:
            asked += await asyncio.wait_for(process.stderr.readuntil(prompt), 20)
            os.write(terminal, key.encode() + b"\n")
        out, err = await asyncio.wait_for(process.communicate(), 20)
        os.write(inner, b"end")
        echoed = os.read(terminal, 1000)

    assert out.decode().split() == [unknown_client_id(key, DEFAULT_SECRET) for key in typed if key]
    assert KEY.encode() not in asked + out + err + echoed
