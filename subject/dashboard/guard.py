"""Who may ask the dashboard, and for what: by the fields of a request alone. No IO.

A page elsewhere can have its visitor's browser send requests here. So a request that says that it comes from
another site is refused, and so is one for a name that is not ours: a foreign name can be made to lead here
(DNS rebinding), an address cannot.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

FOREIGN_NAME = "this is no name of the dashboard's: ask for it by address, or list the name in SUBJECT_NAMES"
FOREIGN_PAGE = "a page of another site may not ask here"
READ_ONLY = "the dashboard is read-only: start it with SUBJECT_TOKEN to change limits from here"
NO_TOKEN = "a change needs the dashboard's token (SUBJECT_TOKEN), and this is not it"  # noqa: S105 - a sentence
NO_JSON = "a change is sent as application/json"

PAGE = "/"
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""On every answer."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request is not answered, with HTTP's status for it."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of where it comes from; None: it does not say."""

    method: str
    path: str
    hosts: tuple[str, ...]
    origin: str | None = None
    site: str | None = None  # Sec-Fetch-Site
    mode: str | None = None  # Sec-Fetch-Mode
    content_type: str | None = None
    authorization: str | None = None


def refusal(asked: Asked, names: Collection[str], token: str | None) -> Refused | None:
    """Why this request is refused; None where it is not. `names` are those that lead here, in lower case."""
    if len(asked.hosts) != 1 or not is_ours(asked.hosts[0], names):
        return Refused(421, FOREIGN_NAME)
    if _is_foreign(asked):
        return Refused(403, FOREIGN_PAGE)
    if asked.method in ("GET", "HEAD"):
        return None
    if token is None:
        return Refused(403, READ_ONLY)
    scheme, _, given = (asked.authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not _is_same(given.strip(), token):
        return Refused(401, NO_TOKEN)
    if (asked.content_type or "").partition(";")[0].strip().lower() != "application/json":
        return Refused(415, NO_JSON)
    return None


def is_ours(host: str, names: Collection[str]) -> bool:
    """Whether a Host field is an address, localhost, or one of `names`."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if not name or set(host) & set("/?#@\\"):
        return False
    name = name.removesuffix(".")
    return name == "localhost" or name in names or _is_ip_address(name)


def _is_ip_address(name: str) -> bool:
    """Whether it is an IP address, and not a name."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_foreign(asked: Asked) -> bool:
    """A link to the page may stand anywhere; but only the page asks for the rest."""
    host = asked.hosts[0].lower()
    if asked.origin is not None and asked.origin.lower() not in (f"http://{host}", f"https://{host}"):
        return True
    followed_a_link = asked.method == "GET" and asked.path == PAGE and asked.mode == "navigate"
    return asked.site not in (None, "same-origin", "none") and not followed_a_link


def _is_same(given: str, token: str) -> bool:
    """In the same time whatever is given, which aiohttp may have made of bytes that are no text."""
    return hmac.compare_digest(given.encode(errors="surrogateescape"), token.encode())
