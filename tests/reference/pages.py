"""The pages of the reference, with the parts that are made from the code as the code has them now."""

from pathlib import Path

from tests.reference import commands, metrics, rules, settings

DOCS = Path(__file__).parents[2] / "docs"


def written() -> dict[Path, str]:
    """Each page as it should be."""
    made = {
        "cli.md": {
            "gateway": commands.of_gateway(),
            "subject": commands.of_subject(),
            "loadtest": commands.of_loadtest(),
        },
        "http.md": {"rules": rules.table()},
        "metrics.md": {"gateway": metrics.of_nodes(), "subject": metrics.of_the_subject()},
    }
    pages = {DOCS / "settings.md": settings.with_types((DOCS / "settings.md").read_text())}
    for name, parts in made.items():
        text = (DOCS / name).read_text()
        for part, table in parts.items():
            text = _between(text, part, table)
        pages[DOCS / name] = text
    return pages


def _between(text: str, name: str, part: str) -> str:
    """The page with this part between the two comments that name it."""
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->\n"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"the page has no {begin.strip()} and {end.strip()}")
    return f"{before}{begin}\n{part}\n{end}{after}"
