"""What a shell needs to complete ``subject``: made from the parser, so that it knows what that knows.

All three scripts walk the words before the one to complete along a path of commands (``/limits/set``), and
offer what may follow there: commands, options, and the values of options that have a fixed set.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from shlex import quote

from subject.codes import CODES
from subject.errors import UsageError

PROGRAM = "subject"


@dataclass(frozen=True, slots=True)
class Word:
    """A word that may stand somewhere, with what it is for."""

    text: str
    help: str


@dataclass(frozen=True, slots=True)
class Option:
    """An option by all its names; `values` are those that it takes, None: no value, empty: any."""

    words: tuple[Word, ...]
    values: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Place:
    """What may follow a path of commands."""

    path: str
    commands: tuple[Word, ...]
    options: tuple[Option, ...]
    values: tuple[str, ...]  # of arguments without a name

    @property
    def words(self) -> list[Word]:
        """All of it."""
        named = [word for option in self.options for word in option.words]
        return [*self.commands, *(Word(value, "") for value in self.values), *named]


def places(parser: argparse.ArgumentParser, path: str = "") -> Iterator[Place]:
    """Of a parser and those of its commands."""
    commands: dict[str, argparse.ArgumentParser] = {}
    helps: dict[str, str] = {}
    options: list[Option] = []
    values: list[str] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            commands |= action.choices
            helps |= {choice.dest: choice.help or "" for choice in action._choices_actions}
        elif action.option_strings:
            takes = None if action.nargs == 0 else _values(action)
            words = tuple(Word(name, action.help or "") for name in action.option_strings)
            options.append(Option(words, takes))
        else:
            values += _values(action)
    words = tuple(Word(name, helps.get(name, "")) for name in commands)
    yield Place(path, words, tuple(options), tuple(values))
    for name, command in commands.items():
        yield from places(command, f"{path}/{name}")


def _values(action: argparse.Action) -> tuple[str, ...]:
    """Those of a fixed set, be it the parser that knows it or who is given one of them."""
    known = {"explain": CODES, "shell": SCRIPTS}
    return tuple(map(str, action.choices or known.get(action.dest, ())))


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The script for a shell.

    Raises:
        UsageError: there is none for it.
    """
    if shell not in SCRIPTS:
        raise UsageError(f"there is no completion for that shell: write one of {', '.join(SCRIPTS)}")
    return SCRIPTS[shell](list(places(parser)))


def _commands(found: Sequence[Place]) -> list[str]:
    return [place.path for place in found if place.path]


def _with_values(found: Sequence[Place]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Where the next word is an option's value: ``PATH:OPTION``, and the values that are known."""
    for place in found:
        for option in place.options:
            if option.values is not None:
                for word in option.words:
                    yield f"{place.path}:{word.text}", option.values


def _bash(found: Sequence[Place]) -> str:
    values = "".join(
        f"        {quote(place)}) offered={quote(' '.join(of_it))} ;;\n"
        for place, of_it in _with_values(found)
    )
    words = ""
    for place in found:
        offered = " ".join(word.text for word in place.words)
        words += f"                {quote(place.path)}) offered={quote(offered)} ;;\n"
    return f"""\
# bash completion of {PROGRAM}: source <({PROGRAM} completion bash)
_{PROGRAM}() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} place= offered= number
    for ((number = 1; number < COMP_CWORD; number++)); do
        case "$place/${{COMP_WORDS[number]}}" in
            {_alternatives(found)}) place="$place/${{COMP_WORDS[number]}}" ;;
        esac
    done
    case "$place:$before" in
{values}        *)
            case "$place" in
{words}            esac ;;
    esac
    COMPREPLY=($(compgen -W "$offered" -- "$current"))
}}
complete -F _{PROGRAM} {PROGRAM}
"""


def _zsh(found: Sequence[Place]) -> str:
    values = "".join(
        f"        {quote(place)}) offered=({' '.join(map(quote, of_it))}) ;;\n"
        for place, of_it in _with_values(found)
    )
    words = ""
    for place in found:
        offered = " ".join(quote(_described(word)) for word in place.words)
        words += f"                {quote(place.path)}) offered=({offered}) ;;\n"
    return f"""\
#compdef {PROGRAM}
# zsh completion of {PROGRAM}: source <({PROGRAM} completion zsh), after compinit
_{PROGRAM}() {{
    local place= number
    local -a offered
    for ((number = 2; number < CURRENT; number++)); do
        case "$place/${{words[number]}}" in
            {_alternatives(found)}) place="$place/${{words[number]}}" ;;
        esac
    done
    case "$place:${{words[CURRENT-1]}}" in
{values}        *)
            case "$place" in
{words}            esac ;;
    esac
    _describe {PROGRAM} offered
}}
compdef _{PROGRAM} {PROGRAM}
"""


def _alternatives(found: Sequence[Place]) -> str:
    return "|".join(map(quote, _commands(found)))


def _described(word: Word) -> str:
    text = word.text.replace(":", "\\:")
    return f"{text}:{word.help}" if word.help else text


def _fish(found: Sequence[Place]) -> str:
    lines = []
    for place in found:
        here = f"complete -c {PROGRAM} -n 'test (__{PROGRAM}_place) = \"{place.path}\"'"
        lines += [f"{here} -a {quote(word.text)} -d {_fish_text(word.help)}" for word in place.commands]
        lines += [f"{here} -a {quote(value)}" for value in place.values]
        for option in place.options:
            for word in option.words:
                name = f"-l {word.text[2:]}" if word.text.startswith("--") else f"-s {word.text[1:]}"
                takes = "" if option.values is None else f" -x -a {quote(' '.join(option.values))}"
                lines.append(f"{here} {name}{takes} -d {_fish_text(word.help)}")
    return f"""\
# fish completion of {PROGRAM}: {PROGRAM} completion fish | source
function __{PROGRAM}_place
    set -l place ""
    for word in (commandline -opc)[2..-1]
        switch "$place/$word"
            case {" ".join(map(quote, _commands(found)))}
                set place "$place/$word"
        end
    end
    echo "$place"
end
complete -c {PROGRAM} -f
{chr(10).join(lines)}
"""


def _fish_text(text: str) -> str:
    """Within single quotes fish knows two escapes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SCRIPTS: dict[str, Callable[[Sequence[Place]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
