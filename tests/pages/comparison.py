"""Whether a command has said what the page says."""

import re

_VARIES = re.compile(
    r"…"
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d\d:\d\d:\d\dZ"
    r"|(?<![\w/-])\d+(?:[.,]\d+)*(?!\w)"
)
_MOMENT = r"(?:\d{4}-\d\d-\d\d[T\s])?\d\d:\d\d:\d\dZ"
_NUMBER = r"\d+(?:[.,]\d+)*"


def pattern(shown: str, *, is_exact: bool) -> re.Pattern[str]:
    """What is held against the output, in which it may stand anywhere.

    White space is as good as any other, `…` is anything. Numbers that stand by themselves and moments may
    differ, but for lines of HTTP's own; those in names, such as node-1 and 10s, may not. Moments of
    another day have its date before them.
    """
    lines = [
        _line(line, is_exact=is_exact or line.startswith("HTTP/")) for line in shown.strip().splitlines()
    ]
    return re.compile(r"\s+".join(line for line in lines if line), re.DOTALL)


def _line(line: str, *, is_exact: bool) -> str:
    return r"\s+".join(_word(word, is_exact=is_exact) for word in line.split())


def _word(word: str, *, is_exact: bool) -> str:
    made, last = "", 0
    for varies in _VARIES.finditer(word):
        if is_exact and varies[0] != "…":
            continue
        made += re.escape(word[last : varies.start()]) + _any(varies[0])
        last = varies.end()
    return made + re.escape(word[last:])


def _any(found: str) -> str:
    if found == "…":
        return ".*?"
    return _MOMENT if found.endswith("Z") else _NUMBER
