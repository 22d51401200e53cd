"""A request that waits for its decision by Redis."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from gateway.errors import StoreUnavailable
from gateway.limiter.decision import Hit, WindowStatus
from gateway.limiter.part import Part

Answer = tuple[WindowStatus, ...] | StoreUnavailable
"""One status a hit, or why there is none."""


class Books(Enum):
    """Whether Redis has counted a request's units."""

    CLEAR = "it has not, or no more"
    OPEN = "they are under way"
    COUNTED = "it has, and they can be given back"


@dataclass(slots=True, eq=False, init=False)  # one a request: see CONTRIBUTING, "What is compiled"
class Ask:
    """`on_answer` is called with it when there is an `answer`: once, and not after `leave`.

    That is when whoever made the answer has done with its books: see `tell`.
    """

    hits: Sequence[Hit]
    asked: float  # monotonic seconds
    on_answer: Callable[["Ask"], None] | None
    answer: Answer | None
    books: Books
    due: Sequence[tuple[Part, int]]
    """Units that go back, should it be cleared, and where they stand."""
    left: bool
    passed_at: float | None
    """When the request was let through while its units were under way."""

    def __init__(
        self,
        hits: Sequence[Hit],
        asked: float,
        on_answer: Callable[["Ask"], None] | None,
        answer: Answer | None = None,
    ) -> None:
        self.hits = hits
        self.asked = asked
        self.on_answer = on_answer
        self.answer = answer
        self.books = Books.CLEAR
        self.due = ()
        self.left = False
        self.passed_at = None

    @property
    def waits(self) -> bool:
        """Whether somebody still wants an answer that there is not."""
        return self.answer is None and not self.left

    def leave(self, *, passed_at: float | None = None) -> bool:
        """Go on without the answer, or without what it admitted; a second time, nothing.

        `passed_at` is when the request was let through without the answer, if it was. Returns whether Redis
        has counted its units then, or perhaps will.
        """
        if not self.left:
            self.left = True
            self.on_answer = None
            if self.books is Books.OPEN:
                self.passed_at = passed_at
            elif self.books is Books.COUNTED and passed_at is None:
                self.clear()
        return self.books is not Books.CLEAR

    def clear(self) -> None:
        """Give its units back, if they are counted: once."""
        due, self.due = self.due, ()
        self.books = Books.CLEAR
        for part, units in due:
            part.give_back(units)

    def fail(self, reason: StoreUnavailable) -> None:
        """Where a requester still waits, there will be no answer."""
        if self.waits:
            self.answer = reason


def tell(asks: Iterable[Ask]) -> None:
    """Hand the answers to those who have not left. Who cannot take its own costs no other its answer."""
    for ask in asks:
        if ask.answer is not None and ask.on_answer is not None:
            on_answer, ask.on_answer = ask.on_answer, None
            try:
                on_answer(ask)
            except Exception as error:  # noqa: BLE001 - whatever it is, it goes where asyncio tells of one
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a decision could not be taken", "exception": error}
                )
