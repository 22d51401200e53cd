"""Which cluster a run is put on."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gateway.contract.client_id import is_usable_key
from loadtest.generator import KEY_HEADER

MOST_KEYS = 5000


class TargetError(RuntimeError):
    """What is asked for cannot be done on that cluster; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class Target:
    """Nodes by their URLs, or one that leads to all of them; the Redis that they count in; a file of API keys
    that they know, if they know not all; what is asked for; the field that a key is in; and whether their
    certificates may be anybody's."""

    urls: tuple[str, ...]
    redis_url: str
    keys: Path | None = None
    path: str = "/"
    key_header: str = KEY_HEADER
    is_insecure: bool = False

    @property
    def hosts(self) -> list[str]:
        """Those of the URLs, by name or address."""
        return [urlsplit(url).hostname or "" for url in self.urls]

    def read_keys(self) -> list[str] | None:
        """One a line; what is empty or begins with # is none. None: keys are made up.

        Raises:
            TargetError: there is no such file, or something else in it.
        """
        if self.keys is None:
            return None
        try:
            lines = [line.strip() for line in self.keys.read_text(encoding="utf-8").splitlines()]
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise TargetError(f"--keys {self.keys}: {reason}") from None
        found = list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
        if not found or len(found) > MOST_KEYS or not all(map(is_usable_key, found)):
            raise TargetError(f"--keys {self.keys}: write 1 to {MOST_KEYS:,} API keys, one a line")
        return found


def is_node_url(text: str) -> bool:
    """Whether it is http or https, a host, and nothing behind that."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    rest = parts.path.strip("/") + parts.query + parts.fragment
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc and not rest
