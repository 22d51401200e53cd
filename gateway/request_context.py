"""What is known of the request that is in hand, for whoever logs in its course."""

from contextvars import ContextVar, Token
from typing import Self

_current: "ContextVar[RequestContext | None]" = ContextVar("request", default=None)


class RequestContext:
    """One request, in force within ``with``.

    Tasks and callbacks that are started meanwhile inherit it, and may outlive it (a connection that is kept):
    once it is over it is nobody's any more.
    """

    __slots__ = (
        "_is_over",
        "_token",
        "client",
        "request_id",
    )

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.client = ""
        """Its client's id; empty where nobody was identified."""
        self._is_over = False
        self._token: Token[RequestContext | None] | None = None

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        if self._token is not None:
            _current.reset(self._token)

    def over(self) -> None:
        """It is no longer the current one, also where a copy of the context has it."""
        self._is_over = True

    @staticmethod
    def current() -> "RequestContext | None":
        """The one that this is said in the course of."""
        context = _current.get()
        return None if context is None or context._is_over else context
