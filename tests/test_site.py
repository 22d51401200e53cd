"""The site that `make docs` makes of docs/: what is wrong in a page ends the build, and is told."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.project import ROOT

WRONG = """
[a page](nowhere.md) [a section](limits.md#nowhere) [its own](#nowhere) [a file](../gateway/nowhere.py)
[an address](http://plain.example) [another](https://nohost/x)

<img src="https://elsewhere.example/pixel.png" alt="">
"""


def test_a_page_that_is_wrong_ends_the_build(tmp_path: Path) -> None:
    for name in ("docs", ".make"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("mkdocs.yml", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("gateway", "subject", "loadtest", "tests"):
        (tmp_path / name).symlink_to(ROOT / name)
    with (tmp_path / "docs/logs.md").open("a") as page:
        page.write(WRONG)
    (tmp_path / "docs/stray.md").write_text("# Nobody leads here\n")

    told = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path / "site")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert told.returncode != 0
    lines = re.findall(r"^WARNING.*|^ERROR.*|^\s+- stray.*", told.stdout + told.stderr, re.MULTILINE)
    warned = " ".join(lines)
    expected = {
        "logs.md links nowhere.md, which is not there",
        "'limits.md#nowhere'",
        "'#nowhere'",
        "logs.md links ../gateway/nowhere.py, which is not there",
        "logs.md links http://plain.example, which is no address of a page",
        "logs.md links https://nohost/x, which is no address of a page",
        "logs.html loads https://elsewhere.example/pixel.png",
        "stray.md",
    }
    assert {words for words in expected if words not in warned} == set(), told.stderr
