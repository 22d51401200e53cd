"""The command line of `loadtest`: what each command does, and what its errors exit with."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from loadtest import demo, generator, output, scenarios, up, upstream
from loadtest import run as run_command
from loadtest.bench import command as bench
from loadtest.child import StartError
from loadtest.elsewhere.target import Target, TargetError
from loadtest.evaluation import command as evaluation
from loadtest.evaluation.plan import Plan
from loadtest.generator import KEY_HEADER
from loadtest.interrupt import Interrupted, until_signal
from loadtest.parser import BENIGN_MINUTES, CHOOSING_SEEDS, REPORTING_SEEDS, ROOT, USAGE, build

WELL, UNREACHABLE = 0, 3
SIGNALLED = 128


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for.

    Returns:
        0 well, 1 a failed verdict, 2 wrong use, 3 something could not be started, 128 + n after signal n.
    """
    try:
        parser = build()
        options = parser.parse_args(arguments)
        tempfile.tempdir = str(Path(tempfile.gettempdir()).absolute())  # what we start works elsewhere
        if options.command == "evaluate" and (wrong := evaluation.wrong_use(_evaluation_options(options))):
            parser.error(wrong)
        if _sends(options):
            generator.check_installed(options.command)
        return asyncio.run(until_signal(_command(options)))
    except SystemExit as end:
        return int(end.code or 0)
    except Interrupted as interrupted:
        return WELL if options.command in ("up", "upstream") else SIGNALLED + interrupted.number
    except TargetError as error:
        return _ended(USAGE, str(error))
    except StartError as error:
        return _ended(UNREACHABLE, str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or flushing at exit fails again
        return UNREACHABLE
    except OSError as error:  # no room on the disk, too many open files, and the like
        return _ended(UNREACHABLE, _reason(error))


def _ended(code: int, reason: str) -> int:
    print(f"loadtest: {output.printable(reason)}", file=sys.stderr)  # noqa: T201 - the one place that reports errors
    return code


def _sends(options: argparse.Namespace) -> bool:
    """Whether it needs the load generator."""
    match options.command:
        case "up":
            return options.rate is not None
        case "evaluate":
            return options.score is None
        case command:
            return command in ("run", "demo")


def _command(options: argparse.Namespace) -> Coroutine[Any, Any, int]:
    match options.command:
        case "up":
            return up.run(options.nodes, options.workers, options.rate, as_json=options.json)
        case "upstream":
            return _upstream(options.host, options.port, options.log, options.behaviour)
        case "run":
            return run_command.run(_run_options(options))
        case "demo":
            return demo.show(options.seed, as_json=options.json)
        case "bench":
            return bench.run(_bench_options(options))
        case "evaluate":
            return evaluation.run(_evaluation_options(options))
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
        where = "own cluster" if name in scenarios.FAULTS else "any cluster"
        print(f"{name:<20}{where:<13}{scenarios.DESCRIPTIONS[name]}")  # noqa: T201 - the command's output
    return WELL


def _run_options(options: argparse.Namespace) -> run_command.Options:
    target = None
    redis_url = options.redis or os.environ.get("REDIS_URL")
    if options.nodes is not None:
        if not redis_url:
            raise TargetError("--nodes needs the Redis that they count in: --redis URL, or REDIS_URL")
        target = Target(
            options.nodes, redis_url, options.keys, options.path, options.header, options.insecure
        )
    elif options.redis or options.keys or options.path != ROOT or _is_about_nodes(options):
        raise TargetError("--redis, --keys, --path, --header and --insecure are about the cluster of --nodes")
    return run_command.Options(
        names=options.names,
        seed=options.seed,
        rate_per_second=options.rate,
        target=target,
        report=options.report,
        as_json=options.json,
        web_port=options.web,
    )


def _is_about_nodes(options: argparse.Namespace) -> bool:
    return options.header != KEY_HEADER or bool(options.insecure)


def _evaluation_options(options: argparse.Namespace) -> evaluation.Options:
    return evaluation.Options(
        plan=Plan(
            CHOOSING_SEEDS if options.choosing is None else options.choosing,
            REPORTING_SEEDS if options.reporting is None else options.reporting,
            BENIGN_MINUTES if options.benign is None else options.benign,
            options.only,
            options.intensities,
        ),
        amounts=[
            f"--{name}" for name in ("reporting", "choosing", "benign") if getattr(options, name) is not None
        ],
        record=options.record,
        score=options.score,
        run=options.run,
        jobs=options.jobs,
        sweep=options.sweep,
        as_json=options.json,
        page=options.write,
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
