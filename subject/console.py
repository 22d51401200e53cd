"""Where texts become what is drawn, in one place: whatever is not printable in them shows as its escape."""

from typing import Any

from rich.console import Console
from rich.text import Text

from subject.printable import printable


class PrintableConsole(Console):
    """A console that makes lines only where it is told to: by a call, never by a character of a text."""

    def render_str(self, text: str, **options: Any) -> Text:
        """As Rich's, which draws every text and table cell through this."""
        return super().render_str(printable(text), **options)


def styled(*parts: str | tuple[str, str]) -> Text:
    """Texts, each plain or with its style, one behind the other.

    What is a `Text` already is not changed by the console, so that all of them are made here.
    """
    texts = ((part, "") if isinstance(part, str) else part for part in parts)
    return Text.assemble(*((printable(text), style) for text, style in texts))
