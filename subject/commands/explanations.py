"""What a code means, from docs/detectors.md: the wheel has a copy of it in `subject`."""

import argparse
import re
import shutil
import sys
import textwrap
from pathlib import Path

from subject.errors import UsageError
from subject.exit_codes import WELL
from subject.output.lines import print_json, print_line
from subject.settings import PREFIX, Settings, variable
from subject.thresholds import Thresholds

_PACKAGE = Path(__file__).parents[1]
_PLACES = (_PACKAGE / "detectors.md", _PACKAGE.parent / "docs" / "detectors.md")
_SECTION = re.compile(r"^## (?P<codes>[a-z_, ]+)\n\n(?P<text>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_SETTING = re.compile(rf"{PREFIX}[A-Z0-9_]+")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """``diagnose --explain CODE``; the exit code."""
    text = explain(arguments.explain, settings)
    if arguments.json:
        print_json({"code": arguments.explain, "text": text})
        return WELL
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    for line in text.splitlines():
        parts = textwrap.wrap(line, width) if width and not line.startswith("|") else [line]
        for part in parts or [""]:
            print_line(part)
    return WELL


def sections(document: str) -> dict[str, str]:
    """The text about each code."""
    return {
        code.strip(): match["text"].strip()
        for match in _SECTION.finditer(document)
        for code in match["codes"].split(",")
    }


def read_document() -> str:
    """The document, wherever it stands.

    Raises:
        UsageError: it is not there, which only a broken installation brings about.
    """
    for path in _PLACES:
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise UsageError("docs/detectors.md is not in this installation: install it anew")


def explain(code: str, settings: Settings) -> str:
    """What is known of a code, and the thresholds that are in force here.

    Raises:
        UsageError: there is no such code; it says which there are.
    """
    known = sections(read_document())
    if code not in known:
        raise UsageError(f"there is no code of that name (codes: {', '.join(sorted(known))})")
    text = _LINK.sub(r"\1", known[code]).replace("`", "")
    names = {variable(name): name for name in Thresholds.model_fields}
    used = dict.fromkeys(name for name in _SETTING.findall(known[code]) if name in names)
    lines = [f"{name}={getattr(settings, names[name]):g}" for name in used]
    in_force = f"\n\nIn force here: {', '.join(lines)}" if lines else ""
    return f"{code}\n\n{text}{in_force}"
