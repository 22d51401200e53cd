"""A whole answer of the node's own, and problems (RFC 9457), which are most of them. No IO.

Field lists are pairs of bytes, as they go on the wire.
"""

import json
from dataclasses import dataclass
from http import HTTPStatus

from gateway.fields import Fields


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """A whole answer of the node's own, which may be given many times."""

    status: int
    fields: Fields
    body: bytes

    @property
    def reason(self) -> bytes:
        """The status' own phrase."""
        return HTTPStatus(self.status).phrase.encode()


class Problem(Exception):  # noqa: N818 - RFC 9457's own term
    """Ends a request with an answer of the node's own. `detail` is for the client and names no internals."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail

    def reply(self) -> Reply:
        """The answer."""
        return problem(self.status, self.detail)


def problem(
    status: int,
    detail: str,
    *,
    kind: str = "about:blank",
    fields: Fields | None = None,
    **members: object,
) -> Reply:
    """An ``application/problem+json`` answer (RFC 9457 §3)."""
    document = {
        "type": kind,
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **members,
    }
    return Reply(
        status,
        [
            (b"Content-Type", b"application/problem+json"),
            (b"Cache-Control", b"no-store"),
            *(fields or []),
        ],
        json.dumps(document).encode() + b"\n",
    )
