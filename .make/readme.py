"""Puts standard input between the README's demo markers."""

import sys
from pathlib import Path

BEGIN, END = "<!-- demo:begin -->\n", "<!-- demo:end -->\n"

readme = Path("README.md")
before, _, rest = readme.read_text().partition(BEGIN)
_, _, after = rest.partition(END)
printed = "\n".join(line.rstrip() for line in sys.stdin)
readme.write_text(f"{before}{BEGIN}```\n{printed}\n```\n{END}{after}")
