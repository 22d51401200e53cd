from pathlib import Path
from xml.etree import ElementTree

import pytest

from gateway.version import FULL_VERSION
from loadtest.bench import page
from loadtest.bench.peers.all import PEERS
from loadtest.child import StartError
from loadtest.figure_tables import Place
from tests.unit.loadtest.bench.measurements import measured, results

BEGIN, END = Place(Path(), page.NAME).begin, Place(Path(), page.NAME).end
FOUND = results(
    {
        ("ours", "allowed"): [measured(cpu_us=20), measured(cpu_us=24)],
        ("textbook", "allowed"): [measured(cpu_us=200), measured(cpu_us=300)],
        ("ours", "refused"): [measured(cpu_us=8), measured(cpu_us=8)],
    }
)
MEASURED = [peer for peer in PEERS if peer.name in ("ours", "textbook")]


def a_page(folder: Path, text: str) -> Path:
    file = folder / "figures.md"
    file.write_text(text)
    return file


def test_figures_stand_between_the_comments_and_the_rest_stays(tmp_path: Path) -> None:
    file = a_page(tmp_path, f"# Title\n\n{BEGIN}outdated\n{END}\nThe rest.\n")

    page.write(file, FOUND, MEASURED)
    page.write(file, FOUND, MEASURED)

    text = file.read_text()
    assert text.startswith(f"# Title\n\n{BEGIN}\nMeasured on ")
    assert text.endswith(f"\n{END}\nThe rest.\n")
    assert "outdated" not in text
    assert text.count("| allowed, many keys, to textbook | 0.09 (0.08–0.10)× | 0.13× | reached |") == 1
    assert "| this gateway | 22.0 (20.0–24.0) | 8.00 |" in text
    assert "2 rounds" in text
    assert f"this gateway {FULL_VERSION}" in text


def test_the_plot_has_a_bar_for_each_measurement(tmp_path: Path) -> None:
    file = a_page(tmp_path, BEGIN + END)

    page.write(file, FOUND, MEASURED)

    plot = ElementTree.fromstring((tmp_path / "figures.svg").read_text())  # noqa: S314 - our own
    bars = plot.findall("{http://www.w3.org/2000/svg}rect")
    assert [bar.get("class") for bar in bars] == ["ours", "bar", "ours"]
    assert float(bars[1].get("width", 0)) > 10 * float(bars[0].get("width", 0))
    assert "(figures.svg)" in file.read_text()


@pytest.mark.parametrize("text", ["", BEGIN, END + BEGIN])
def test_a_page_without_a_place_is_told_before_anything_runs(text: str, tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"figures\.md has no place"):
        page.check(a_page(tmp_path, text))


def test_the_page_of_the_documentation_has_its_place() -> None:
    page.check(Path(__file__).parents[4] / "docs/performance.md")
