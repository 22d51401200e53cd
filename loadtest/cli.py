"""The command line of `loadtest`: what each command does, and what its errors exit with."""

import argparse
import asyncio
import os
import random
import sys
from collections.abc import Coroutine, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from loadtest import demo, scenarios, up, upstream
from loadtest.bench import command as bench
from loadtest.child import StartError
from loadtest.interrupt import Interrupted, until_signal

WELL, FAILED, USAGE, UNREACHABLE = 0, 1, 2, 3
SIGNALLED = 128
MAX_NODES = 30
MAX_WORKERS = 16


class _Parser(argparse.ArgumentParser):
    """Errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for.

    Returns:
        0 well, 1 a failed verdict, 2 wrong use, 3 something could not be started, 128 + n after signal n.
    """
    try:
        options = _parser().parse_args(arguments)
        return asyncio.run(until_signal(_command(options)))
    except SystemExit as end:
        return int(end.code or 0)
    except Interrupted as interrupted:
        return WELL if options.command in ("up", "upstream") else SIGNALLED + interrupted.number
    except StartError as error:
        print(f"loadtest: {error}", file=sys.stderr)  # noqa: T201 - the one place that reports errors
        return UNREACHABLE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or flushing at exit fails again
        return UNREACHABLE
    except OSError as error:  # no room on the disk, too many open files, and the like
        print(f"loadtest: {_reason(error)}", file=sys.stderr)  # noqa: T201 - as above
        return UNREACHABLE


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="loadtest",
        description="Start a local gateway cluster, put load and faults on it, and judge what comes out.",
    )
    parser.add_argument("--version", action="version", version=f"loadtest {version('operator-ratelimiter')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add = commands.add_parser

    command = add(
        "up",
        help="Redis, a dummy upstream and gateway nodes, until Ctrl-C",
        description="Redis (or what REDIS_URL leads to, where that is set), a dummy upstream and gateway "
        "nodes with the environment's settings, on free ports of this machine, until Ctrl-C.",
    )
    command.add_argument("--nodes", type=_bounded(1, MAX_NODES), default=3, help="how many (default 3)")
    command.add_argument("--workers", type=_bounded(1, MAX_WORKERS), help="processes that each node has")
    command.add_argument(
        "--rate", type=_bounded(1, 1000), help="requests a second of many clients, for half an hour"
    )
    command.add_argument("--json", action="store_true", help="one line of JSON when all are ready")

    command = add("upstream", help="the dummy upstream alone: answers everything with 200")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    command.add_argument("--port", type=_bounded(0, 65535), default=9000, help="default 9000; 0: a free one")
    command.add_argument("--log", type=Path, metavar="FILE", help="append a line of JSON for each request")
    command.add_argument(
        "--behaviour",
        type=Path,
        metavar="FILE",
        help='follow this file: {"delay_seconds": 0.5, "failing_ratio": 0.1}',
    )

    command = add("run", help="run scenarios against a cluster of three nodes")
    command.add_argument("names", nargs="+", metavar="SCENARIO", choices=scenarios.NAMES, help=_names())
    command.add_argument(
        "--rate", type=_bounded(1, 1000), help="requests a second that are usual (default: drawn, 80 to 100)"
    )
    _add_seed(command)

    command = add("demo", help="some scenarios in a drawn order, beside what the subject makes of them")
    _add_seed(command)

    add("list", help="the scenarios")

    command = add("bench", help="what a request costs, beside others that limit (Linux)")
    _add_bench(command)
    return parser


def _command(options: argparse.Namespace) -> Coroutine[Any, Any, int]:
    match options.command:
        case "up":
            return up.run(options.nodes, options.workers, options.rate, as_json=options.json)
        case "upstream":
            return _upstream(options.host, options.port, options.log, options.behaviour)
        case "run":
            return demo.run(options.names, options.seed, options.rate)
        case "demo":
            return demo.show(options.seed)
        case "bench":
            return bench.run(_bench_options(options))
        case _:
            return _list()


async def _upstream(host: str, port: int, log: Path | None, behaviour: Path | None) -> int:
    try:
        async with upstream.running(host, port, log, behaviour) as url:
            print(f"dummy upstream: {url}", flush=True)  # noqa: T201 - its callers wait for this line
            await asyncio.Event().wait()
    except OSError as error:
        raise StartError(f"the upstream cannot start: {_reason(error)}") from None
    return WELL


def _reason(error: OSError) -> str:
    """Without the number, and with the file if it is about one."""
    named = f"{error.filename}: " if error.filename else ""
    return f"{named}{error.strerror or error}"


async def _list() -> int:
    for name in scenarios.NAMES:
        print(f"{name:<20}{scenarios.DESCRIPTIONS[name]}")  # noqa: T201 - the command's output
    return WELL


def _names() -> str:
    return "one or more of: " + ", ".join(scenarios.NAMES)


def _add_seed(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--seed",
        type=_bounded(0, 2**32 - 1),
        default=random.SystemRandom().randrange(10_000),
        help="repeat a run: what is drawn by chance follows from it (default: another each time)",
    )


def _add_bench(command: argparse.ArgumentParser) -> None:
    long, quick = bench.Options(), bench.QUICK
    only, peers = bench.SCENARIO_NAMES, bench.PEER_NAMES
    command.add_argument(
        "--only", type=_some_of(only), default=(), metavar="SCENARIO,…", help=", ".join(only)
    )
    command.add_argument("--peers", type=_some_of(peers), default=(), metavar="PEER,…", help=", ".join(peers))
    command.add_argument(
        "--quick", action="store_true", help="fewer rounds and requests, and no million keys"
    )
    command.add_argument(
        "--rounds", type=_bounded(1, 100), help=f"default {long.rounds}, {quick.rounds} if quick"
    )
    command.add_argument(
        "--requests",
        type=_bounded(100, 10_000_000),
        help=f"that are measured each time (default {long.requests:,}, {quick.requests:,} if quick)",
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="write each measurement there")
    command.add_argument(
        "--write", type=Path, metavar="PAGE", help="put the tables and a plot into this page"
    )


def _bench_options(options: argparse.Namespace) -> bench.Options:
    defaults = bench.QUICK if options.quick else bench.Options()
    return bench.Options(
        only=options.only,
        peers=options.peers,
        rounds=options.rounds or defaults.rounds,
        requests=options.requests or defaults.requests,
        is_quick=options.quick,
        json=options.json,
        page=options.write,
    )


def _some_of(known: Sequence[str]) -> Any:
    def parse(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is none of {', '.join(known)}")
        return names

    return parse


def _bounded(low: int, high: int) -> Any:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{number} is not between {low} and {high}")
        return number

    return parse
