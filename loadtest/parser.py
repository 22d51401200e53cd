"""The command line's grammar."""

import argparse
import random
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

from loadtest import scenarios
from loadtest.argument_types import bounded, field_name, host, path, some_of, urls
from loadtest.bench import command as bench
from loadtest.evaluation.plan import INTENSITIES
from loadtest.generator import KEY_HEADER
from loadtest.scenarios.feasibility import MOST_PER_SECOND

USAGE = 2
MAX_NODES = 30
MAX_WORKERS = 16
WEB_PORT = 8089
ROOT = "/"
REPORTING_SEEDS, CHOOSING_SEEDS, BENIGN_MINUTES = 1, 1, 60

Add = Callable[..., argparse.ArgumentParser]
"""Adds a command, and returns its parser."""


class _Parser(argparse.ArgumentParser):
    """Errors are one line."""

    def parse_args(  # type: ignore[override]  # the base has overloads, for namespaces of other types
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """As the base's; what nobody takes is told with the help of the command that was given it."""
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            whose = f"{self.prog} {found.command}"
            told = " ".join(unknown)
            self.exit(USAGE, f"{whose}: unrecognized arguments: {told} (see {whose} --help)\n")
        return found

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message} (see {self.prog} --help)\n")


def build() -> argparse.ArgumentParser:
    """The parser of ``loadtest``."""
    parser = _Parser(
        prog="loadtest",
        description="Start a local gateway cluster, put load and faults on it, and judge what comes out.",
    )
    parser.add_argument("--version", action="version", version=f"loadtest {version('operator-ratelimiter')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for define in (_up, _upstream, _run, _demo, _list, _evaluate, _bench):
        define(commands.add_parser)
    for listed in commands._choices_actions:
        command = commands.choices[listed.dest]
        command.description = command.description or listed.help
    return parser


def _up(add: Add) -> None:
    command = add(
        "up",
        help="Redis, a dummy upstream and gateway nodes, until Ctrl-C",
        description="Redis (or what REDIS_URL leads to, where that is set: nothing there is deleted, and "
        "what nodes write stays), a dummy upstream and gateway nodes with the environment's settings, on "
        "free ports of this machine, until Ctrl-C.",
    )
    command.add_argument("--nodes", type=bounded(1, MAX_NODES), default=3, help="how many (default 3)")
    command.add_argument("--workers", type=bounded(1, MAX_WORKERS), help="processes that each node has")
    command.add_argument(
        "--rate", type=bounded(1, 1000), help="requests a second of many clients, for half an hour"
    )
    command.add_argument("--json", action="store_true", help="one line of JSON when all are ready")


def _upstream(add: Add) -> None:
    command = add("upstream", help="the dummy upstream alone: answers everything with 200")
    command.add_argument(
        "--host", type=host, default="127.0.0.1", help="address to listen on (default 127.0.0.1)"
    )
    command.add_argument("--port", type=bounded(0, 65535), default=9000, help="default 9000; 0: a free one")
    command.add_argument("--log", type=Path, metavar="FILE", help="append a line of JSON for each request")
    command.add_argument(
        "--behaviour",
        type=Path,
        metavar="FILE",
        help='follow this file: {"delay_seconds": 0.5, "failing_ratio": 0.1}',
    )


def _run(add: Add) -> None:
    command = add(
        "run",
        help="run scenarios against a cluster of three nodes, or against yours",
        description="Puts scenarios on a cluster that it starts, or on the one of --nodes, and judges what "
        "the subject says of them, whether limits were kept and whether all was counted. On a cluster of "
        "yours it does what takes no more than requests (loadtest list), with API keys that it makes up or "
        "those of --keys; the subject's own settings are taken from the environment.",
    )
    command.add_argument(
        "names",
        nargs="+",
        metavar="SCENARIO",
        choices=scenarios.NAMES,
        help="one or more of: " + ", ".join(scenarios.NAMES),
    )
    _add_target(command)
    command.add_argument(
        "--rate",
        type=bounded(1, MOST_PER_SECOND),
        help="requests a second that are usual (default: drawn, 80 to 100; with --nodes 30)",
    )
    command.add_argument(
        "--report", type=Path, metavar="DIR", help="write report.html, with plots, and report.json there"
    )
    command.add_argument(
        "--json", action="store_true", help="print JSON on standard output, and all else on standard error"
    )
    command.add_argument(
        "--web",
        type=bounded(1, 65535),
        nargs="?",
        const=WEB_PORT,
        metavar="PORT",
        help=f"locust's page at this port of this machine meanwhile (default {WEB_PORT})",
    )
    _add_seed(command)


def _add_target(command: argparse.ArgumentParser) -> None:
    """Which cluster it is put on: `loadtest.elsewhere.target.Target`."""
    command.add_argument(
        "--nodes",
        type=urls,
        metavar="URL,…",
        help="of all nodes of a cluster that runs, or one that leads to all of them",
    )
    command.add_argument("--redis", metavar="URL", help="what they count in (default: REDIS_URL)")
    command.add_argument(
        "--keys", type=Path, metavar="FILE", help="API keys that it knows, one a line (default: made up)"
    )
    command.add_argument(
        "--path", type=path, default=ROOT, help="what is asked for there, by GET (default /); no query"
    )
    command.add_argument(
        "--header",
        type=field_name,
        default=KEY_HEADER,
        metavar="NAME",
        help=f"the field that the key is sent in (default {KEY_HEADER})",
    )
    command.add_argument(
        "--insecure", action="store_true", help="take any certificate of a node for its own, by https"
    )


def _demo(add: Add) -> None:
    command = add(
        "demo",
        help="what goes wrong, what the subject says of it, what an operator does, and that it helps",
        description="On a cluster of its own, in a drawn order: a client over its limit, which is raised; "
        "one that suddenly sends far more, which is held down as the subject suggests; a load balancer that "
        "prefers a node, or a slow way to Redis, which others mend; and a calm. It fails where something is "
        "not found, or what is done does not help.",
    )
    command.add_argument(
        "--json", action="store_true", help="print JSON on standard output, and all else on standard error"
    )
    _add_seed(command)


def _add_seed(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--seed",
        type=bounded(0, 2**32 - 1),
        default=random.SystemRandom().randrange(10_000),
        help="repeat a run: what is drawn by chance follows from it (default: another each time)",
    )


def _list(add: Add) -> None:
    add("list", help="the scenarios")


def _evaluate(add: Add) -> None:
    command = add(
        "evaluate",
        help="how well the subject finds what is wrong, over all scenarios, seeds and intensities",
        description="Records runs of all scenarios, each once, has the subject replay what it saw, and holds "
        "that against what was put on the cluster. SUBJECT_ variables, its thresholds, hold for the replay: "
        "runs that are recorded can be scored with others.",
    )
    command.add_argument(
        "--record",
        type=Path,
        metavar="DIR",
        help="keep the runs there, and record only those that are not there yet (default: nowhere)",
    )
    command.add_argument(
        "--score",
        type=Path,
        metavar="DIR",
        help="record nothing: score all runs that are there, or what --only and --intensities leave of them",
    )
    command.add_argument("--run", metavar="NAME", help="record this run of the plan alone, and score nothing")
    _add_plan(command)
    command.add_argument("--jobs", type=bounded(1, 64), default=2, help="clusters at a time (default 2)")
    command.add_argument(
        "--json", action="store_true", help="print JSON on standard output and nothing else there"
    )
    command.add_argument(
        "--sweep", action="store_true", help="score the choosing seeds with other thresholds too, one by one"
    )
    command.add_argument("--write", type=Path, metavar="PAGE", help="put the tables into this page")


def _add_plan(command: argparse.ArgumentParser) -> None:
    """Which runs there are: `loadtest.evaluation.plan.Plan`."""
    for flag, what in (
        (
            "--reporting",
            f"so many that are reported on (default {REPORTING_SEEDS}: half an hour of one cluster)",
        ),
        (
            "--choosing",
            f"so many that thresholds are chosen on (default {CHOOSING_SEEDS}: as long, and a quarter of the "
            "benign)",
        ),
    ):
        command.add_argument(flag, type=bounded(0, 20), metavar="SEEDS", help=what)
    command.add_argument(
        "--benign",
        type=bounded(0, 600),
        metavar="MINUTES",
        help=f"of benign traffic, on the reporting seeds (default {BENIGN_MINUTES})",
    )
    names, intensities = scenarios.ANOMALIES + scenarios.BENIGN, tuple(INTENSITIES)
    _add_some_of(command, "--only", "SCENARIO", names, "no others than these")
    told = f"of anomalies: {', '.join(intensities)} (default: all)"
    _add_some_of(command, "--intensities", "INTENSITY", intensities, told)


def _bench(add: Add) -> None:
    command = add("bench", help="what a request costs, beside others that limit (Linux)")
    long, quick = bench.Options(), bench.QUICK
    only, peers = bench.SCENARIO_NAMES, bench.PEER_NAMES
    _add_some_of(command, "--only", "SCENARIO", only, ", ".join(only))
    _add_some_of(command, "--peers", "PEER", peers, ", ".join(peers))
    command.add_argument(
        "--quick", action="store_true", help="fewer rounds and requests, and no million keys"
    )
    command.add_argument(
        "--rounds", type=bounded(1, 100), help=f"default {long.rounds}, {quick.rounds} if quick"
    )
    command.add_argument(
        "--requests",
        type=bounded(100, 10_000_000),
        help=f"that are measured each time (default {long.requests:,}, {quick.requests:,} if quick)",
    )
    command.add_argument("--json", type=Path, metavar="FILE", help="write each measurement there")
    command.add_argument(
        "--write", type=Path, metavar="PAGE", help="put the tables and a plot into this page"
    )


def _add_some_of(
    command: argparse.ArgumentParser, flag: str, one: str, known: Sequence[str], what: str
) -> None:
    """Some of the known names, with commas between them; none by default."""
    command.add_argument(flag, type=some_of(known), default=(), metavar=f"{one},…", help=what)
