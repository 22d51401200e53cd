"""``whois``: from an API key to a client id. Redis is not asked."""

import argparse
import getpass
import json
import sys

from gateway.contract import client_id
from gateway.contract.clients import Clients, ClientsFileError, parse_clients
from subject.errors import UsageError
from subject.exit_codes import FOUND, WELL
from subject.settings import Settings


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Print the client id of the key on standard input, which is shown nowhere; the exit code.

    Raises:
        UsageError: what was read is no key, or the clients file cannot be used.
    """
    clients = _clients(settings)
    key = getpass.getpass("API key: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not client_id.is_usable_key(key):
        raise UsageError("an API key is 1 to 256 visible ASCII characters, on one line of standard input")
    name = clients.identify(key) if clients is not None else None
    if clients is not None and name is None:
        sys.stderr.write(f"subject: no client in {settings.clients_file} has this key\n")
        return FOUND
    if name is None:
        secret = settings.identity_secret
        if secret is None:
            sys.stderr.write(
                "subject: GATEWAY_IDENTITY_SECRET is not set here: right where nodes have none\n"
            )
        name = client_id.unknown_client_id(
            key, client_id.DEFAULT_SECRET if secret is None else secret.get_secret_value()
        )
    sys.stdout.write((json.dumps({"client": name}) if arguments.json else name) + "\n")
    return WELL


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
