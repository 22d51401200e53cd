"""What `make docs` does besides mkdocs: pages outside docs/, links to files, and requests to others.

A link to a file of the repository is text on the site, which has no such file; one to a file that is not
there ends the build, and so does a page that would ask another host for anything.
"""

import logging
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

log = logging.getLogger("mkdocs.hooks.site")

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
OF_THE_ROOT = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
DECISIONS = "decisions/index.md"

LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^)\s]+)\)")
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|object|embed)\b[^>]*\b(?:src|srcset|data)\s*=\s*["']?\s*((?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b[^>]*\bhref\s*=\s*["']?\s*((?:https?:)?//[^"'\s>]+)"""
    r"""|\burl\(\s*["']?\s*((?:https?:)?//[^)"'\s]+)|@import\s+["']((?:https?:)?//[^"']+)"""
)


def decisions() -> list[str]:
    return sorted(f"decisions/{path.name}" for path in (DOCS / "decisions").glob("[0-9]*.md"))


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Where the navigation has `decisions/` it has all of them."""

    def whole(entry: Any) -> Any:
        if isinstance(entry, list):
            return [whole(part) for part in entry]
        if isinstance(entry, dict):
            return {name: whole(part) for name, part in entry.items()}
        return [DECISIONS, *decisions()] if entry == "decisions/" else entry

    config.nav = whole(config.nav)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name in OF_THE_ROOT:
        files.append(File.generated(config, name, content=(ROOT / name).read_text()))
    titles = {page: (DOCS / page).read_text().partition("\n")[0].removeprefix("# ") for page in decisions()}
    rows = [f"- [{title}]({Path(page).name})" for page, title in titles.items()]
    told = "# Decisions\n\nWhat was chosen where it could have been otherwise, why, and at what price.\n\n"
    files.append(File.generated(config, DECISIONS, content=told + "\n".join(rows) + "\n"))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    name = page.file.src_uri
    folder = ROOT if name in OF_THE_ROOT else (DOCS / name).parent

    def linked(link: re.Match[str]) -> str:
        picture, text, target = link.groups()
        if target.startswith("#"):
            return link[0]
        if urlsplit(target).scheme:
            if urlsplit(target).scheme != "https" or "." not in urlsplit(target).netloc:
                log.warning("%s links %s, which is no address of a page", name, target)
            return link[0]
        path, _, section = target.partition("#")
        found = Path(os.path.normpath(folder / path))
        if not found.exists() and found != DOCS / DECISIONS:
            log.warning("%s links %s, which is not there", name, target)
            return link[0]
        if (to := place(found)) is None:
            shown = str(found.relative_to(ROOT))
            return text if Path(shown).name in text else f"{text} (`{shown}`)"
        to = os.path.relpath(to, Path(name).parent)
        return f"{picture}[{text}]({to}{'#' + section if section else ''})"

    return LINK.sub(linked, markdown)


def place(path: Path) -> str | None:
    """Where a file of the repository is on the site."""
    if path.is_relative_to(DOCS):
        if path.is_dir():
            return DECISIONS if path.name == "decisions" else "index.md"
        return str(path.relative_to(DOCS))
    name = str(path.relative_to(ROOT))
    if name == "README.md":
        return "index.md"
    return name if name in OF_THE_ROOT else None


def on_post_build(config: MkDocsConfig) -> None:
    """The site works where there is no network."""
    made = [path for path in Path(config.site_dir).rglob("*") if path.suffix in {".html", ".css", ".svg"}]
    asked = [
        f"{path.relative_to(config.site_dir)} loads {next(filter(None, found.groups()))}"
        for path in made
        for found in LOADED.finditer(path.read_text())
    ]
    if asked:
        raise PluginError("; ".join(asked))
