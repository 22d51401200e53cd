"""Routes: where requests of some hosts, paths and methods go, what they may use beside the client's own
limit, and what they cost in it.
"""

import re
from dataclasses import dataclass

from gateway.contract import keys
from gateway.contract.limits import Limits

ANY_HOST = ""
DEFAULT_UPSTREAM = ""
"""The upstream of what no route leads elsewhere."""

_METHOD = re.compile(r"[A-Z][A-Z-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Route:
    """One entry of the routes file.

    `path` is a prefix by whole segments (``/a`` is for ``/a`` and ``/a/b``; ``/`` for all); no `methods` are
    all, and GET is HEAD too. `limit` is per client, beside its own; `cost` is what a request takes of each
    window that it meets. `host` is a name in lower case, or ``*.`` and one for all below it. `upstream` is a
    name too; each node knows the addresses.
    """

    name: str
    path: str
    methods: tuple[str, ...] = ()
    limit: Limits | None = None
    cost: int = 1
    shadow: bool = False
    host: str = ANY_HOST
    upstream: str = DEFAULT_UPSTREAM

    @property
    def policy_name(self) -> str:
        """What its limit is shown under, and the scope that it is counted under."""
        return keys.route_scope(self.name)


def is_method(text: str) -> bool:
    """Whether a text has the form of a method that a policy may name: upper case (RFC 9110 §9.1)."""
    return _METHOD.fullmatch(text) is not None


def is_among(method: str, methods: tuple[str, ...]) -> bool:
    """Whether a method is listed, or none is. HEAD is answered as GET is (RFC 9110 §9.3.2), so it is one."""
    return not methods or method in methods or (method == "HEAD" and "GET" in methods)
