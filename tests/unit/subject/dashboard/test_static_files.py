import re

from subject.dashboard import static_files
from subject.dashboard.static_files import FOLDER


def test_the_vendored_charts_are_of_the_version_that_is_noted_and_have_their_licence() -> None:
    noted = re.match(r"uPlot ([0-9.]+),", (FOLDER / "uplot/README.md").read_text())

    assert noted is not None
    assert f"(v{noted[1]})" in (FOLDER / "uplot/uPlot.iife.min.js").read_text()[:200]
    assert "MIT License" in (FOLDER / "uplot/LICENSE").read_text()


def test_what_is_no_part_of_the_page_is_not_given() -> None:
    files = static_files.load()

    assert {"/", "/static/main.js", "/static/uplot/uPlot.iife.min.js"} <= files.keys()
    assert not [path for path in files if path.endswith((".md", "LICENSE", ".py", "index.html"))]


def test_nothing_of_ours_reads_html_or_has_style_or_script_within() -> None:
    for path in FOLDER.glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", path.read_text()
        )
    page = (FOLDER / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script>|https?:", page)
