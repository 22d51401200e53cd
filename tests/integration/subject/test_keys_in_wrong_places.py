"""An API key that is given where a client's id, or nothing, belongs is not used, stored or shown."""

import pytest
from redis.asyncio import Redis

from gateway.contract import keys
from tests.integration.subject.publishing import nowhere, publish, subject
from tests.unit.subject.builders import policies, record

CLIENT = "k_0123456789abcdef"
WHY = ("--why", "a test")
API_KEY = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
ACTIONS = [["limits", "set", API_KEY, "5/s", *WHY], ["limits", "unset", API_KEY], ["reset", API_KEY]]


@pytest.mark.parametrize(
    "arguments", [*ACTIONS, ["limits", "get", API_KEY], ["limits", "get", API_KEY, "--json"]]
)
@pytest.mark.parametrize("registered", [{"acme": "5/s"}, None])
async def test_a_key_given_as_a_name_goes_nowhere(
    redis_client: Redis, redis_url: str, arguments: list[str], registered: dict[str, str] | None
) -> None:
    await publish(redis_client, [record()], policies(clients=registered).table)

    run = await subject(*arguments, redis_url=redis_url)

    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("subject: no node knows a client sk_l… (registered: ")
    assert run.err.endswith("subject whois tells the id of an API key\n")
    assert await redis_client.exists(keys.OVERRIDES, keys.AUDIT) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [API_KEY],
        ["limits", API_KEY],
        ["limits", "set", CLIENT, API_KEY, *WHY],
        ["limits", "set", CLIENT, "9'" + API_KEY, *WHY],
        ["reset", CLIENT, API_KEY],
        ["status", f"--json={API_KEY}"],
        ["whois", API_KEY],
        ["whois", "--all", API_KEY, "another"],
        ["whois", f"--key={API_KEY}"],
        ["--" + API_KEY, "status"],
    ],
    ids=str,
)
async def test_a_key_in_the_wrong_place_is_not_repeated(arguments: list[str]) -> None:
    run = await subject(*arguments, redis_url=nowhere())

    assert (run.code, run.out) == (2, "")
    assert API_KEY[5:] not in run.err
    assert run.err.count("\n") == 1


@pytest.mark.parametrize("arguments", [[API_KEY], ["--json", API_KEY], ["--key", API_KEY]], ids=str)
async def test_whoever_gives_whois_a_key_as_an_argument_is_told_how_to_give_it(arguments: list[str]) -> None:
    run = await subject("whois", *arguments, redis_url=nowhere())

    assert (run.code, run.out) == (2, "")
    assert run.err == (
        "subject: whois takes no key on its command line, where the shell's history and all who list "
        "processes see it: type subject whois alone and give the key when it asks, or on standard input: "
        "subject whois <FILE\n"
    )


async def test_what_a_command_does_not_take_is_told_with_that_commands_help() -> None:
    run = await subject("limits", "get", "acme", "more", redis_url=nowhere())

    assert run.err == "subject: unrecognized arguments: more (see subject limits get --help)\n"


@pytest.mark.parametrize(
    "arguments", [*ACTIONS, ["limits", "get", API_KEY], ["limits", "get", API_KEY, "--json"]]
)
async def test_a_key_given_as_a_name_is_not_shown_without_redis_either(arguments: list[str]) -> None:
    run = await subject(*arguments, redis_url=nowhere())

    assert run.code == 3
    assert API_KEY not in run.out + run.err
