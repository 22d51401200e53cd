"""The pages of the reference, with the parts that are made from the code as the code has them now."""

from pathlib import Path

from loadtest.figure_tables import Place
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
            text = Place(DOCS / name, part).filled(text, [table])
        pages[DOCS / name] = text
    return pages
