"""``gateway``, or ``python -m gateway``: run one node."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

import uvloop

from gateway import logs
from gateway.app import DISTRIBUTION, load_policies, run
from gateway.errors import StartError
from gateway.settings import SECRETS, Settings, described, load, shown, unknown_variables, variable

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a node, or with ``--check`` only look at its settings. Returns the exit code."""
    try:
        flags = vars(_parser().parse_args(arguments))
        check, as_json = flags.pop("check"), flags.pop("json")
        settings = load({name: value for name, value in flags.items() if value is not None})
        logs.set_up(settings.log_level, settings.log_format)
        for sentence in unknown_variables():
            logger.warning(sentence)
        if check:
            load_policies(settings)
            _show(settings, as_json=as_json)
        else:
            uvloop.run(_until_signalled(settings))
    except StartError as error:
        print(f"gateway: {error}", file=sys.stderr)  # noqa: T201 - before logging is set up, and not of its form
        return error.exit_code
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
    parser.add_argument("--version", action="version", version=f"gateway {version(DISTRIBUTION)}")
    parser.add_argument("--check", action="store_true", help="show the settings without secrets, and exit")
    parser.add_argument("--json", action="store_true", help="with --check: as JSON")
    for name in Settings.model_fields:
        if name not in SECRETS:
            parser.add_argument(
                "--" + name.replace("_", "-"),
                metavar="VALUE",
                help=f"{described(name)} [{variable(name)}]",
            )
    return parser


def _show(settings: Settings, *, as_json: bool) -> None:
    texts = shown(settings)
    lines = [f"{name}={text}" for name, text in texts.items()]
    sys.stdout.write((json.dumps(texts) if as_json else "\n".join(lines)) + "\n")


async def _until_signalled(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; a second one does not wait for requests in flight."""
    loop = asyncio.get_running_loop()
    stop, hurry = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        if stop.is_set():
            logger.warning("stopping at once: requests in flight are cut off")
            hurry.set()
        else:
            logger.info("stopping: no new connections, requests in flight finish")
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    try:
        await run(settings, stop, hurry)
    except BaseExceptionGroup as group:
        start_errors = group.subgroup(StartError)
        if start_errors is None:
            raise
        raise start_errors.exceptions[0] from None


if __name__ == "__main__":
    sys.exit(main())
