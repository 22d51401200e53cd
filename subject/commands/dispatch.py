"""From the command's name to what does it, of which no more is imported: of a short command it is a tenth."""

import argparse
import gc
from collections.abc import Iterator
from contextlib import contextmanager

from subject.settings import Settings
from subject.telemetry.reader import Reader

LASTING = {"watch", "record", "mcp"}
"""Commands that look again and again."""


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Run the command that `arguments` name; its exit code."""
    if arguments.command in LASTING:
        async with Reader(settings) as reader:
            return await _go_on(arguments, reader, settings)
    with _uncollected():
        return await _run(arguments, settings)


@contextmanager
def _uncollected() -> Iterator[None]:
    """A command that ends soon looks for no objects that hold each other: records hold none, and are so many
    that it took a third of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    async with Reader(settings) as reader:
        match arguments.command, getattr(arguments, "verb", None):
            case ("audit" | "reset", _) | ("limits", "set" | "unset") | ("nodes", "forget"):
                return await _act(arguments, reader, settings)
            case "diagnose", _ if arguments.since is not None:
                from subject.commands import since

                return await since.run(arguments, reader, settings)
            case "why", _:
                from subject.commands import why

                return await why.run(arguments, reader, settings)
        from subject.commands import show

        if arguments.command == "limits":
            return await show.limits(arguments, reader, settings)
        return await show.run(arguments, reader, settings)


async def _act(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    """What changes something, or tells what was changed."""
    from subject.commands import actions

    match arguments.command, getattr(arguments, "verb", None):
        case "audit", _:
            return await actions.audit(arguments, reader)
        case "reset", _:
            return await actions.reset(arguments, reader, settings)
        case "limits", "set":
            return await actions.set_limit(arguments, reader, settings)
        case "limits", _:
            return await actions.unset_limit(arguments, reader, settings)
    return await actions.forget_node(arguments, reader, settings)


async def _go_on(arguments: argparse.Namespace, reader: Reader, settings: Settings) -> int:
    if arguments.command == "mcp":
        from subject.commands import mcp

        return await mcp.run(reader, settings)
    if arguments.command == "record":
        from subject.commands import record

        return await record.run(arguments, reader, settings)
    from subject.commands import watch

    return await watch.run(arguments, reader, settings)
