"""JSON on standard output: a line, and nothing in it that a terminal would act on."""

import json
import sys

from subject.output.documents import Document


def print_json(document: Document) -> None:
    """One document; in ASCII where it holds what is not printable."""
    text = json.dumps(document, ensure_ascii=False)
    sys.stdout.write((text if text.isprintable() else json.dumps(document)) + "\n")
