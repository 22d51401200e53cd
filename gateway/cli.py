"""The ``gateway`` command: run one node, or look at its settings."""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

import uvloop

from gateway import app, logs
from gateway.building import Signals
from gateway.config.policy_files import read_policies
from gateway.config.report import describe, load, redacted, unknown_variables
from gateway.config.settings import SECRETS, Settings, variable
from gateway.config.tls import server_certificate, upstream_tls_context
from gateway.errors import StartError, start_error_in
from gateway.log_writer import LogWriter
from gateway.version import FULL_VERSION
from gateway.workers import CHANNEL_FLAG, node, worker

CHANNEL = "channel"

logger = logging.getLogger("gateway")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a node, or with ``--check`` only look at its settings. Returns the exit code."""
    logs.occupy_standard_descriptors()
    try:
        flags = vars(_parser().parse_args(arguments))
        channel = flags.pop(CHANNEL)
        if channel is not None:
            return worker.main(channel)
        version, check, as_json = flags.pop("version"), flags.pop("check"), flags.pop("json")
        if version:
            _write(f"gateway {FULL_VERSION}")
            return 0
        settings = load({name: value for name, value in flags.items() if value is not None})
        with logs.writing(settings.log_level, settings.log_format, settings.node_id) as log:
            for sentence in unknown_variables():
                logger.warning(sentence)
            if not check:
                return _serve(settings, log)
            read_policies(settings)
            server_certificate(settings.tls_cert, settings.tls_key)
            upstream_tls_context(settings.upstream_ca)
            _show(settings, as_json=as_json)
    except StartError as error:
        # Not of the log's form, and after its last line.
        if sys.stderr is not None:
            print(f"gateway: {error}", file=sys.stderr)  # noqa: T201 - a command's complaint
        return error.exit_code
    return 0


def _serve(settings: Settings, log: LogWriter) -> int:
    try:
        uvloop.run(_until_signalled(settings, log))
    except StartError:
        raise
    except Exception:
        logger.exception("the node ends by a fault of its own")
        return 1
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one line, without the usage."""
        raise StartError(f"{message} (see gateway --help)", 2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="gateway",
        description="Run one node of the rate-limiting gateway. A setting is a flag, a variable or "
        "a line of gateway.toml, in this order of precedence.",
    )
    parser.add_argument("--version", action="store_true", help="show the version, and exit")
    parser.add_argument("--check", action="store_true", help="show the settings without secrets, and exit")
    parser.add_argument("--json", action="store_true", help="with --check: as JSON")
    parser.add_argument(CHANNEL_FLAG, dest=CHANNEL, type=int, help=argparse.SUPPRESS)
    for name in Settings.model_fields:
        if name not in SECRETS:
            parser.add_argument(
                "--" + name.replace("_", "-"),
                metavar="VALUE",
                help=f"{describe(name)} [{variable(name)}]",
            )
    return parser


def _show(settings: Settings, *, as_json: bool) -> None:
    texts = redacted(settings)
    lines = [f"{name}={text}" for name, text in texts.items()]
    _write(json.dumps(texts) if as_json else "\n".join(lines))


def _write(text: str) -> None:
    """As the command's output.

    Raises:
        StartError: it cannot be written.
    """
    if sys.stdout is None:  # closed
        return
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
        if not isinstance(error, BrokenPipeError):
            raise StartError(f"cannot write the output: {error.strerror}", 3) from None


async def _until_signalled(settings: Settings, log: LogWriter) -> None:
    """Run until SIGTERM or SIGINT; a second one does not wait for requests in flight. SIGHUP reloads."""
    loop = asyncio.get_running_loop()
    signals = Signals()

    def on_signal() -> None:
        if signals.stop.is_set():
            logger.warning("stopping at once: requests in flight are cut off")
            signals.hurry.set()
        else:
            logger.info(
                "stopping: no new connections after %g s, requests in flight finish", settings.drain_delay
            )
            signals.stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    loop.add_signal_handler(signal.SIGHUP, signals.reread.set)
    run = app.run if settings.workers == 1 else node.run
    try:
        await run(settings, signals, log)
    except BaseExceptionGroup as group:
        error = start_error_in(group)
        if error is None:
            raise
        raise error from None
