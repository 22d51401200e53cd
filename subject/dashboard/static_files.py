"""The files of the page: read once, and no others are given."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).with_name("static")
TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file, with the tag by which a browser knows that it has it."""

    body: bytes
    content_type: str
    tag: str


def load(folder: Path = FOLDER) -> dict[str, StaticFile]:
    """All files of the page by their paths: ``/static/…``, and the page itself as ``/``."""
    found = {
        f"/static/{path.relative_to(folder).as_posix()}": _file(path)
        for path in sorted(folder.rglob("*"))
        if path.suffix in TYPES
    }
    return {"/": found.pop("/static/index.html"), **found}


def _file(path: Path) -> StaticFile:
    body = path.read_bytes()
    return StaticFile(body, TYPES[path.suffix], sha256(body).hexdigest()[:32])
