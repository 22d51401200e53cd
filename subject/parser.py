"""The command line's grammar."""

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, NoReturn

from subject.errors import SHOWN, UsageError, shortened

DISTRIBUTION = "operator-ratelimiter"

EPILOG = """\
settings (environment): REDIS_URL, SUBJECT_NODES (admin addresses host:port, asked where Redis is away),
SUBJECT_TIMEOUT_SECONDS, and the detectors' thresholds, see docs/detectors.md
exit codes: 0 done or shown, and diagnose found nothing (status, nodes, top and limits also with findings);
1 diagnose found something, or Redis does not answer and nodes told what is shown; 2 wrong use;
3 nothing can be seen, or what an action needs cannot be reached"""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without what was typed: it may be a key in the wrong place."""

    _given: Sequence[str] = ()

    def parse_known_args(  # type: ignore[override]  # the base has overloads, for namespaces of other types
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """As the base's, which every command's parser is called by; remembers what it was given."""
        self._given = tuple(args or ())
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage."""
        typed = {part for text in self._given for part in (text, text.partition("=")[2])}
        for text in sorted(typed, key=len, reverse=True):
            for written in (repr(text), text):
                if len(text) > SHOWN:
                    message = message.replace(written, shortened(text))
        raise UsageError(f"{message} (see {self.prog} --help)")


def build() -> Parser:
    """The parser of ``subject``."""
    parser = Parser(
        prog="subject",
        description="Looks at a rate limiter cluster through its Redis, says what is wrong, changes limits.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"subject {version(DISTRIBUTION)}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shown = {
        "status": "the cluster in a few lines",
        "nodes": "each node: state, rate, refusals, latencies, CPU",
        "top": "the busiest and most refused clients, and what stands in their windows",
        "diagnose": "what is wrong, since when, on what evidence, and what to do",
    }
    for name, text in shown.items():
        _json(commands.add_parser(name, help=text, description=text))
    _limits(commands)
    reset = commands.add_parser("reset", help="let a client's count begin anew")
    reset.add_argument("client", metavar="CLIENT")
    reset.add_argument("--why", metavar="TEXT", help="for the audit")
    audit = commands.add_parser("audit", help="who changed what, when and why, the newest last")
    audit.add_argument("--client", metavar="CLIENT", help="only what was done to this client")
    audit.add_argument("--since", metavar="TIME", help="only the last, for example 1h or 7d")
    _json(audit)
    whois = commands.add_parser("whois", help="the client id of an API key, which is read on standard input")
    _json(whois)
    return parser


def _limits(commands: "argparse._SubParsersAction[Parser]") -> None:
    limits = commands.add_parser("limits", help="show, set and unset the limits of clients")
    _json(limits)
    verbs = limits.add_subparsers(dest="verb", metavar="VERB")
    get = verbs.add_parser("get", help="the limits that apply (the default when no verb is given)")
    get.add_argument("client", metavar="CLIENT", nargs="?")
    # A default here would overwrite what stands before the verb.
    _json(get, default=argparse.SUPPRESS)
    change = verbs.add_parser("set", help="give a client a limit that goes before all others")
    change.add_argument("client", metavar="CLIENT")
    change.add_argument("limit", metavar="N/PERIOD", help="for example 500/m or 20/10s")
    change.add_argument("--why", metavar="TEXT", required=True, help="for the audit")
    change.add_argument(
        "--for", dest="duration", metavar="TIME", help="how long, for example 10m or 2h (until it is unset)"
    )
    unset = verbs.add_parser("unset", help="take that limit away again")
    unset.add_argument("client", metavar="CLIENT")
    unset.add_argument("--why", metavar="TEXT", help="for the audit")


def _json(parser: argparse.ArgumentParser, default: object = False) -> None:
    parser.add_argument(
        "--json", action="store_true", default=default, help="print JSON on standard output and nothing else"
    )
