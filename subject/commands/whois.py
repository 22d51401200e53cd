"""``whois``: from an API key to a client id.

Where no clients file is set, Redis tells whether nodes accept keys that are not registered.
"""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Sequence

from gateway.contract import client_id
from gateway.contract.clients import Clients, ClientsFileError, parse_clients
from subject.errors import RedisAwayError, RedisRefusesError, UsageError
from subject.exit_codes import WELL
from subject.output.lines import print_json, print_line
from subject.settings import Settings

LONGEST_LINE = 1000
MOST_KEYS = 10_000
PROMPT = "API key (not shown as you type or paste it): "
PROMPT_FOR_ALL = "API key (not shown as you type or paste it; an empty line ends): "


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the client id of the key on standard input, or of each there, and no key; the exit code.

    Raises:
        UsageError: what was read is no key, or the clients file cannot be used.
    """
    clients = _clients(settings)
    if sys.stdin.isatty():
        keys = _all_typed() if arguments.all else [_typed(PROMPT)]
    else:
        keys = _all_lines() if arguments.all else [_line()]
    if not all(map(client_id.is_usable_key, keys)):
        raise UsageError("an API key is 1 to 256 visible ASCII characters, on one line of standard input")
    names = _unregistered(keys, settings) if clients is None else [_registered(key, clients) for key in keys]
    for name in names:
        if arguments.json:
            print_json({"client": name})
        else:
            print_line(name)
    return WELL


def _line() -> str:
    return sys.stdin.readline(LONGEST_LINE).rstrip("\r\n")


def _all_lines() -> list[str]:
    """Up to the end, or to what is too long to be a key and is refused as one."""
    keys = []
    while line := sys.stdin.readline(LONGEST_LINE):
        keys.append(line.rstrip("\r\n"))
        if len(line) == LONGEST_LINE or len(keys) > MOST_KEYS:
            break
    if len(keys) > MOST_KEYS:
        raise UsageError(f"whois --all takes {MOST_KEYS:,} keys at most")
    return keys


def _typed(prompt: str) -> str:
    try:
        return getpass.getpass(prompt)
    except EOFError:
        return ""


def _all_typed() -> list[str]:
    """Up to an empty line, or Ctrl-D."""
    return list(iter(lambda: _typed(PROMPT_FOR_ALL), ""))


def _registered(key: str, clients: Clients) -> str:
    name = clients.identify(key)
    if name is None:
        raise UsageError("no registered client has this key (see GATEWAY_CLIENTS_FILE)")
    return name


def _unregistered(keys: Sequence[str], settings: Settings) -> list[str]:
    registered_only = asyncio.run(_registered_only(settings))
    if registered_only:
        raise UsageError(
            "nodes accept registered keys only: "
            "set GATEWAY_CLIENTS_FILE to their clients file to name this one"
        )
    if registered_only is None:
        _hint("the id is right if nodes accept keys that are not registered, which Redis does not tell")
    secret = settings.identity_secret
    if secret is None:
        _hint("if nodes have a GATEWAY_IDENTITY_SECRET, the id is another: set the same secret here")
    known = client_id.DEFAULT_SECRET if secret is None else secret.get_secret_value()
    return [client_id.unknown_client_id(key, known) for key in keys]


async def _registered_only(settings: Settings) -> bool | None:
    """Whether all nodes refuse unknown keys; None where Redis does not say."""
    from subject.telemetry import redis_client, redis_reads  # slow to import, and no use with a clients file

    async with redis_client.connect(settings.redis_url, settings.timeout_seconds) as redis:
        try:
            async with redis_client.reading(redis):
                policies = await redis_reads.read_policies(redis, await redis_reads.read_basics(redis))
        except (RedisAwayError, RedisRefusesError):
            return None
    return None if policies.table is None else policies.registered_only


def _hint(text: str) -> None:
    sys.stderr.write(f"subject: {text}\n")


def _clients(settings: Settings) -> Clients | None:
    if settings.clients_file is None:
        return None
    try:
        return parse_clients(settings.clients_file.read_text())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise UsageError(f"GATEWAY_CLIENTS_FILE={settings.clients_file}: {reason}") from None
    except ClientsFileError as error:
        raise UsageError(f"GATEWAY_CLIENTS_FILE={settings.clients_file}: {error}") from None
