"""A request that waits for its decision by Redis."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from gateway.errors import StoreUnavailable
from gateway.limiter.charge import Charge
from gateway.limiter.decision import Standing


class Books(Enum):
    """Whether Redis has counted a request's units."""

    CLEAR = "it has not, or no more"
    OPEN = "they are under way"
    COUNTED = "it has, and they can be given back"


@dataclass(slots=True, eq=False)
class Ask:
    """The requester awaits `answer`, which ends with one standing a charge, or as `StoreUnavailable`.

    It may go on without the answer, and then says by `leave` whether it let the request pass all the same.
    """

    charges: Sequence[Charge]
    asked: float  # monotonic seconds
    answer: asyncio.Future[tuple[Standing, ...]]
    books: Books = Books.CLEAR
    give_back: Callable[[], None] | None = None
    left: bool = False
    passed_at: float | None = None
    """When the request was let through while its units were under way."""

    @property
    def waits(self) -> bool:
        """Whether somebody still wants the answer."""
        return not self.answer.done()

    def leave(self, *, passed_at: float | None) -> bool:
        """Go on without the answer; `passed_at` is when the request was let through all the same, if it was.

        Returns whether Redis has counted its units then, or perhaps will.
        """
        self.answer.cancel()
        self.left = True
        if self.books is Books.OPEN:
            self.passed_at = passed_at
        elif self.books is Books.COUNTED and passed_at is None:
            self.clear()
        return self.books is not Books.CLEAR

    def clear(self) -> None:
        """Give its units back, if they are counted: once."""
        give_back, self.give_back = self.give_back, None
        self.books = Books.CLEAR
        if give_back is not None:
            give_back()

    def fail(self, reason: StoreUnavailable) -> None:
        """Tell a requester that still waits that there will be no answer."""
        if self.waits:
            self.answer.set_exception(reason)
