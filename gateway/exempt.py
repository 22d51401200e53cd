"""Methods and paths that are neither identified nor counted: ``OPTIONS, GET /health, /assets/*``. No IO."""

from gateway.contract.routes import is_among, is_method
from gateway.paths import is_plain, path_of

_BELOW = "/*"
_FORM = "write METHOD, /PATH or METHOD /PATH, with /* at its end for all below, and commas between them"


class Exempt:
    """Says which requests are exempt. By path only those that can be read in no other way."""

    def __init__(self, text: str) -> None:
        """Read a list.

        Raises:
            ValueError: an entry is of another form; the message says which, and what would be right.
        """
        self.entries = tuple(" ".join(entry.split()) for entry in text.split(",") if entry.strip())
        self._everywhere: tuple[str, ...] = ()
        self._places: list[tuple[tuple[str, ...], bytes]] = []
        for entry in self.entries:
            method, _, path = entry.rpartition(" ") if "/" in entry else (entry, "", "")
            if (method and not is_method(method)) or (path and not _is_a_place(path)):
                raise ValueError(f"{entry!r}: {_FORM}")
            if path:
                self._places.append(((method,) if method else (), path.encode()))
            else:
                self._everywhere += (method,)

    def __str__(self) -> str:
        """The list as it can be written."""
        return ", ".join(self.entries)

    def takes(self, method: str, target: bytes) -> bool:
        """Whether a request with this method and target is exempt."""
        if self._everywhere and is_among(method, self._everywhere):
            return True
        path = path_of(target)
        listed = any(_holds(place, path) and is_among(method, methods) for methods, place in self._places)
        return listed and is_plain(path)


def _is_a_place(path: str) -> bool:
    plain = path.removesuffix(_BELOW) + "/" if path.endswith(_BELOW) else path
    return "*" not in plain and is_plain(plain.encode())


def _holds(place: bytes, path: bytes) -> bool:
    return path.startswith(place[:-1]) if place.endswith(b"*") else path == place
