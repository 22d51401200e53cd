"""The command line's grammar."""

import argparse
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from typing import Any, NoReturn

from gateway.contract.limits import Limits
from subject.actions.limit_hints import read_limit
from subject.errors import SHOWN, UsageError, shortened

DISTRIBUTION = "operator-ratelimiter"
WHOIS = "whois"
WHOSE = "its name or id, as subject top has it"
LONGEST_NAME = 12
"""Of a command, an option or a choice, with some letters too many."""

EPILOG = """\
settings (environment): REDIS_URL (redis://127.0.0.1:6379/0), SUBJECT_NODES (nodes' admin addresses, host:port
with commas, asked where Redis is away), SUBJECT_TIMEOUT_SECONDS, SUBJECT_WAIT_SECONDS, and the detectors'
thresholds, see docs/detectors.md
exit codes: 0 done or shown, and diagnose found nothing (what else shows something: also with findings);
1 diagnose found something, or Redis does not answer and nodes told what is shown; 2 wrong use;
3 nothing can be seen, or what an action needs cannot be reached"""


NO_KEYS_HERE = (
    "whois takes no key on its command line, where the shell's history and all who list processes see it: "
    "type subject whois alone and give the key when it asks, or on standard input: subject whois <FILE"
)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without what was typed: it may be a key in the wrong place."""

    _given: Sequence[str] = ()

    def parse_args(  # type: ignore[override]  # as that of the next
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> Any:
        """As the base's; what nobody takes is told with the help of the command that was given it.

        Raises:
            UsageError: the arguments are wrong.
        """
        found, unknown = self.parse_known_args(args, namespace)
        if unknown:
            self._refuse(found, unknown)
        return found

    def _refuse(self, found: argparse.Namespace, unknown: Sequence[str]) -> NoReturn:
        if found.command == WHOIS:
            raise UsageError(NO_KEYS_HERE)
        words = [word for word in (found.command, getattr(found, "verb", None)) if word is not None]
        told = " ".join(unknown)
        if (near := _nearest(unknown[0], self._options_of(words))) is not None:
            told += f"; did you mean {near}?"
        self.error(f"unrecognized arguments: {told}", " ".join(words))

    def _options_of(self, words: Sequence[str]) -> Iterable[str]:
        """Of the command that these words name."""
        parser: argparse.ArgumentParser = self
        for word in words:
            (commands,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
            parser = commands.choices[word]
        return parser._option_string_actions

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As the base's, but it names one of many where it can."""
        choices = [str(choice) for choice in action.choices or ()]
        if action.choices is None or value in choices:
            return
        near = _nearest(str(value), choices)
        would_be = f"write one of {', '.join(choices)}" if near is None else f"did you mean {near}?"
        raise argparse.ArgumentError(action, f"there is no {shortened(str(value))}: {would_be}")

    def parse_known_args(  # type: ignore[override]  # the base has overloads, for namespaces of other types
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """As the base's, which every command's parser is called by; remembers what it was given."""
        self._given = tuple(args or ())
        return super().parse_known_args(args, namespace)

    def error(self, message: str, command: str = "") -> NoReturn:
        """Raise instead of printing the usage; `command` is the one whose help tells more, if not this."""
        ours = {
            name for action in self._actions for name in (*action.option_strings, *(action.choices or ()))
        }
        typed = {part for text in self._given for part in (text, text.partition("=")[2])} - ours
        for text in sorted(typed, key=len, reverse=True):
            if len(text) > SHOWN:
                message = message.replace(repr(text), shortened(text))
                shown = shortened(text).replace("\\", r"\\")
                message = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", shown, message)
        whose = f"{self.prog} {command}".rstrip()
        raise UsageError(f"{message} (see {whose} --help)")


def _nearest(text: str, names: Iterable[str]) -> str | None:
    """The one that was meant, as it seems; none of what is too long to be one, and may be a key."""
    if len(text) > LONGEST_NAME:
        return None
    from difflib import get_close_matches  # takes a while to import, and who errs has time

    return next(iter(get_close_matches(text, names, 1)), None)


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
    _shown(commands)
    _why(commands)
    _limits(commands)
    reset = commands.add_parser("reset", help="let a client's count begin anew")
    reset.add_argument("client", metavar="CLIENT", help=WHOSE)
    _acts(reset)
    reset.set_defaults(json=False)
    audit = commands.add_parser("audit", help="who changed what, when and why, the newest last")
    audit.add_argument("--client", metavar="CLIENT", help="only what was done to this client")
    audit.add_argument("--since", metavar="TIME", help="only the last, for example 1h or 7d")
    _json(audit)
    completion = commands.add_parser("completion", help="what a shell needs to complete these commands")
    completion.add_argument("shell", metavar="SHELL", help="bash, zsh or fish")
    _lasting(commands)
    text = "the client id of an API key, which is asked for, or read on standard input"
    whois = commands.add_parser(
        WHOIS,
        help=text,
        description=f"{text}; never an argument, which the shell's history would keep. It is not shown.",
    )
    whois.add_argument(
        "--all", action="store_true", help="of several keys, one a line: a line with the id of each"
    )
    _json(whois)
    commands.add_parser(
        "serve",
        help="the dashboard, in a browser",
        description="Serves the dashboard at SUBJECT_HOST (127.0.0.1) and SUBJECT_PORT (9180). Whoever "
        "reaches it can look; limits can be changed where SUBJECT_TOKEN is set, by who has that token.",
    )
    _describe(parser)
    return parser


def _describe(parser: argparse.ArgumentParser) -> None:
    """A command's own help begins with what the list of commands says of it, if nothing longer is there."""
    for commands in parser._actions:
        if isinstance(commands, argparse._SubParsersAction):
            for listed in commands._choices_actions:
                command = commands.choices[listed.dest]
                command.description = command.description or listed.help
                _describe(command)


def _shown(commands: "argparse._SubParsersAction[Parser]") -> None:
    """What one look brings."""
    shown = {
        "status": "the cluster in a few lines",
        "nodes": "each node: state, rate, refusals, latencies, CPU",
        "top": "the busiest and most refused clients, and what stands in their windows",
        "diagnose": "what is wrong, since when, on what evidence, and what to do",
    }
    parsers = {name: commands.add_parser(name, help=text, description=text) for name, text in shown.items()}
    for of_it in parsers.values():
        _json(of_it)
    _nodes(parsers["nodes"])
    parsers["top"].add_argument(
        "--by", choices=("busiest", "refused", "nearest"), default="busiest", help="which clients come first"
    )
    of_what = parsers["diagnose"].add_mutually_exclusive_group()
    of_what.add_argument("--since", metavar="TIME", help="also what is over: of the last 5m, 10m at most")
    of_what.add_argument("--explain", metavar="CODE", help="what a code means, and how it is computed")


def _limits(commands: "argparse._SubParsersAction[Parser]") -> None:
    limits = commands.add_parser("limits", help="show, set and unset the limits of clients")
    _json(limits)
    verbs = limits.add_subparsers(dest="verb", metavar="VERB")
    get = verbs.add_parser("get", help="the limits that apply (the default when no verb is given)")
    get.add_argument("client", metavar="CLIENT", nargs="?", help=f"{WHOSE} (without one: of all)")
    # A default here would overwrite what stands before the verb.
    _json(get, default=argparse.SUPPRESS)
    change = verbs.add_parser("set", help="give a client a limit that goes before all others")
    change.add_argument("client", metavar="CLIENT", help=WHOSE)
    change.add_argument(
        "limit", metavar="N/PERIOD", type=_limit, help="for example 500/m, 20/10s or 10/s,500/m"
    )
    _acts(change, why_required=True)
    end = change.add_mutually_exclusive_group()
    end.add_argument(
        "--for", dest="duration", metavar="TIME", help="how long, for example 10m or 2h (until it is unset)"
    )
    end.add_argument("--until", metavar="TIME", help="until when, for example 2026-11-29T18:00:00Z")
    _revision(change)
    change.add_argument(
        "--dry-run",
        action="store_true",
        help="tell what it would change, where and from what; change nothing",
    )
    unset = verbs.add_parser("unset", help="take that limit away again")
    unset.add_argument("client", metavar="CLIENT", help=WHOSE)
    _acts(unset)
    _revision(unset)


def _limit(text: str) -> Limits:
    """A limit; one that is none is told before what is missing."""
    try:
        return read_limit(text)
    except UsageError as error:
        raise argparse.ArgumentError(None, str(error)) from None


def _why(commands: "argparse._SubParsersAction[Parser]") -> None:
    text = "whether a client is refused, by which of its policies, since when, and when it passes again"
    why = commands.add_parser("why", help=text, description=text)
    why.add_argument("client", metavar="CLIENT", nargs="?", help="its id (or a request's, of 32 hex digits)")
    of_what = why.add_mutually_exclusive_group()
    of_what.add_argument(
        "--request",
        metavar="ID",
        help="about one request, by its answer's X-Request-Id, if a node remembers it",
    )
    of_what.add_argument(
        "--answer", action="store_true", help="about a 429 that is pasted on standard input, whole or in part"
    )
    _json(why)


def _nodes(nodes: Parser) -> None:
    verbs = nodes.add_subparsers(dest="verb", metavar="VERB")
    forget = verbs.add_parser("forget", help="miss no more a node that will not come back")
    forget.add_argument("node", metavar="NODE", help="its id, as subject nodes has it")
    forget.add_argument("--why", metavar="TEXT", help="for the audit")
    forget.add_argument(
        "--lost",
        action="store_true",
        help="also one that Redis has lost, and that a running subject still misses",
    )


def _acts(parser: Parser, *, why_required: bool = False) -> None:
    """What all actions on clients take."""
    parser.add_argument("--why", metavar="TEXT", required=why_required, help="for the audit")
    parser.add_argument(
        "--no-wait", action="store_true", help="do not wait for nodes to say that it is in force"
    )
    # A default here would overwrite what stands before a verb, and it is false without one too.
    _json(parser, default=argparse.SUPPRESS)


def _revision(parser: Parser) -> None:
    parser.add_argument(
        "--revision",
        metavar="REVISION",
        help="only if its live limit is still of this revision, which limits get --json has",
    )


def _lasting(commands: "argparse._SubParsersAction[Parser]") -> None:
    watch = commands.add_parser("watch", help="the cluster as it goes on: on a screen (q quits), or as lines")
    watch.add_argument("--every", metavar="TIME", default="2s", help="between two looks (2s)")
    watch.add_argument("--for", dest="duration", metavar="TIME", help="how long (until it is quit)")
    watch.add_argument("--record", metavar="FILE", help="write each look to a new file too, for replay")
    _json(watch)
    record = commands.add_parser("record", help="the telemetry of the last ten minutes to a file, for replay")
    record.add_argument("file", metavar="FILE", help="a new one; compressed where it ends in .gz")
    record.add_argument(
        "--for",
        dest="duration",
        metavar="TIME",
        help="go on for so long, 1h at most (Ctrl-C ends it in order)",
    )
    replay = commands.add_parser("replay", help="diagnose a recording again, without Redis")
    replay.add_argument("file", metavar="FILE", help="what record has written, or watch --record")
    of_what = replay.add_mutually_exclusive_group()
    of_what.add_argument(
        "--at", metavar="TIME", help="the diagnosis at this time of day in UTC, as in 09:12:03Z (at the end)"
    )
    of_what.add_argument(
        "--looks", action="store_true", help="each look as watch shows it; with --json as diagnose does"
    )
    _json(replay)
    commands.add_parser("mcp", help="serve an AI operator by the Model Context Protocol, on standard input")


def _json(parser: argparse.ArgumentParser, default: object = False) -> None:
    parser.add_argument(
        "--json", action="store_true", default=default, help="print JSON on standard output and nothing else"
    )
