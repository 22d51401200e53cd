"""The commands and what each takes, from their parsers, as Markdown."""

import argparse
from collections.abc import Collection, Iterator

from gateway import cli
from gateway.config.settings import Settings
from loadtest.parser import build as build_loadtest
from subject.commands.parser import build as build_subject
from tests.markdown import rows


def of_gateway() -> str:
    """What ``gateway`` takes besides the settings."""
    return _table(cli._parser(), without=Settings.model_fields)


def of_subject() -> str:
    """Each command of ``subject``."""
    return "\n".join(_sections(build_subject()))


def of_loadtest() -> str:
    """Each command of ``loadtest``."""
    return "\n".join(_sections(build_loadtest()))


def _sections(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        for choice in action._choices_actions:
            command = action.choices[choice.dest]
            sentence = (command.description or choice.help or "").rstrip(".")
            head = f"### {command.prog}\n\n{sentence[:1].upper()}{sentence[1:]}.\n\n    {_usage(command)}\n"
            yield "\n".join(filter(None, (head, _table(command))))
            yield from _sections(command)


def _usage(parser: argparse.ArgumentParser) -> str:
    """One line; argparse's own differs from one Python to the next."""
    optional = [action for action in _taken(parser) if action.option_strings]
    positional = [action for action in _taken(parser) if not action.option_strings]
    return " ".join([parser.prog, *(_word(action) for action in (*positional, *optional))])


def _word(action: argparse.Action) -> str:
    word = " ".join(filter(None, (*action.option_strings[:1], _value(action))))
    if action.nargs == "+":
        word += " …"
    is_required = action.required if action.option_strings else action.nargs not in ("?", "*")
    return word if is_required and not _has_commands(action) else f"[{word}]"


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if action.metavar is None and action.choices is not None and not _has_commands(action):
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper())


def _has_commands(action: argparse.Action) -> bool:
    return isinstance(action, argparse._SubParsersAction)


def _table(parser: argparse.ArgumentParser, without: Collection[str] = ()) -> str:
    told = [
        (f"`{' '.join(filter(None, (*action.option_strings, _value(action))))}`", action.help)
        for action in _taken(parser)
        if action.help and action.dest not in without
    ]
    return rows(("", ""), [(word.replace("|", "\\|"), _cell(text)) for word, text in told]) if told else ""


def _cell(text: str) -> str:
    return text.replace("%%", "%").replace("|", "\\|")


def _taken(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [
        action
        for action in parser._actions
        if action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction)
    ]
