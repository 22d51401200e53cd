"""Standard output, a line at a time, with nothing in it that a terminal would act on."""

import json
import sys
from typing import Any

from subject.output.printable import printable


def print_line(text: str) -> None:
    """A line for people, there at once: who reads it may wait for it."""
    sys.stdout.write(printable(text) + "\n")
    sys.stdout.flush()


def print_json(document: dict[str, Any]) -> None:
    """A document for programs; in ASCII where it holds what is not printable."""
    text = json.dumps(document, ensure_ascii=False)
    sys.stdout.write((text if text.isprintable() else json.dumps(document)) + "\n")
    sys.stdout.flush()
