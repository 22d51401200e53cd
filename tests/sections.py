"""What the programs among the tests share: sections, each measured, told, and written into a page."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.progress import say


@dataclass(frozen=True)
class Section:
    """What a page has between the comments of a section's name, and in words what is not as it must be."""

    text: str
    failures: Sequence[str] = ()


def parser(package: str, description: str | None, names: Sequence[str]) -> argparse.ArgumentParser:
    """Of a program that measures sections of these names, or some of them."""

    def known(name: str) -> str:
        if name not in names:
            raise argparse.ArgumentTypeError(f"{name!r} is not of {', '.join(names)}")
        return name

    found = argparse.ArgumentParser(prog=f"python -m {package}", description=description)
    found.add_argument(
        "sections",
        nargs="*",
        type=known,  # with `choices`, argparse would refuse to be given no name
        metavar="SECTION",
        help=f"of {', '.join(names)}; all if none",
    )
    found.add_argument("--write", type=Path, metavar="PAGE", help="put what is found into this page")
    return found


def exit_code(failures: Iterable[str]) -> int:
    """1 if there are any, each of which is told."""
    listed = list(failures)
    for failure in listed:
        say(f"FAIL {failure}")
    return 1 if listed else 0
