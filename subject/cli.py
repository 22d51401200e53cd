"""The command line: from arguments to an exit code. Every error becomes one line on stderr here."""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

from subject.commands.parser import WHOIS, build
from subject.errors import (
    FileError,
    HalfDoneError,
    ListenError,
    NoNodesError,
    RedisAwayError,
    RedisRefusesError,
    UsageError,
)
from subject.exit_codes import INTERRUPTED, UNREACHABLE, WELL, WRONG_USE
from subject.output.printable import printable
from subject.standard_streams import drop_output

ACTING = {"set", "unset", "reset", "forget"}
"""Words, among the first two, of commands that change something."""


def run(arguments: Sequence[str]) -> int:
    """Run one command. Returns the exit code: 0 well, 1 a finding, 2 wrong use, 3 cannot see or reach."""
    try:
        code = _run(build().parse_args(arguments))
        sys.stdout.flush()
    except UsageError as error:
        return _say(f"subject: {error}", WRONG_USE)
    except (FileError, HalfDoneError, RedisRefusesError, NoNodesError, ListenError) as error:
        return _say(f"subject: {error}", UNREACHABLE)
    except RedisAwayError as error:
        return _say(f"subject: {error}: try again when it does, or see REDIS_URL", UNREACHABLE)
    except BrokenPipeError:
        drop_output()  # whose reader has gone
        return WELL
    except OSError as error:
        drop_output()
        return _say(f"subject: cannot write the output: {error.strerror}", UNREACHABLE)
    except KeyboardInterrupt:
        if ACTING & set(arguments[:2]):
            _say("subject: interrupted: subject audit tells whether anything was changed", INTERRUPTED)
        return INTERRUPTED
    return code


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "completion":
        from subject.commands import completion

        sys.stdout.write(completion.script(arguments.shell, build()))
        return WELL
    # What a command needs takes a while to import, and help, version and a typing error need none of it.
    from subject import settings

    loaded = settings.load()
    for name in settings.unknown_variables(os.environ):
        _say(f"subject: {name} is no setting (a typing error?)", WELL)
    if arguments.command == WHOIS:
        from subject.commands import whois

        return whois.run(arguments, loaded)
    if getattr(arguments, "explain", None) is not None:
        from subject.commands import explanations

        return explanations.run(arguments, loaded)
    if arguments.command == "replay":
        from subject.commands import replay

        return replay.run(arguments, loaded)
    import asyncio

    if arguments.command == "serve":
        from subject.dashboard import server

        return asyncio.run(server.run(loaded))
    from subject.commands import dispatch

    return asyncio.run(dispatch.run(arguments, loaded))


def _say(line: str, code: int) -> int:
    with suppress(OSError):  # whoever does not read it still gets the code
        sys.stderr.write(printable(line) + "\n")
    return code
