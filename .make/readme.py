"""Puts the demo's output, from standard input, between the README's markers: its start, and what it came to.

What it tells in between, as it happens, is left out.
"""

import sys
from pathlib import Path

BEGIN, END = "<!-- demo:begin -->\n", "<!-- demo:end -->\n"
TABLE = "┌"

readme = Path("README.md")
before, _, rest = readme.read_text().partition(BEGIN)
_, _, after = rest.partition(END)
lines = [line.rstrip() for line in sys.stdin]
opening = lines[: lines.index("")]
came_to = lines[next(place for place, line in enumerate(lines) if line.startswith(TABLE)) :]
printed = "\n".join([*opening, "", "…", "", *came_to])
readme.write_text(f"{before}{BEGIN}```\n{printed}\n```\n{END}{after}")
