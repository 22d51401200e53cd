"""The reader of requests has the corpus' verdict of each message, however its bytes come."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.request_parser import RequestHead, RequestParser
from gateway.http.rules import BadRequestError
from tests.corpus.case import Case, End, Family
from tests.corpus.corpus import CASES, FAMILIES

SHORT = 20_000
"""Bytes of a message that is fed byte by byte."""


@dataclass(frozen=True)
class Verdict:
    """What a reader makes of a connection's bytes."""

    requests: list[tuple[bytes, bytes, bytes]]
    end: End
    status: int | None


class Connection:
    """Reads requests one after the other, each answered at once, until one is the last."""

    def __init__(self) -> None:
        self.requests: list[tuple[bytes, bytes, bytes]] = []
        self._reader = RequestParser()
        self._head: RequestHead | None = None
        self._body = b""
        self._is_over = False

    def verdict(self, pieces: list[bytes]) -> Verdict:
        """Of all these bytes."""
        try:
            for piece in pieces:
                self._feed(piece)
        except BadRequestError as malformed:
            end = End.BROKEN if self._reader.has_head else End.REFUSED
            return Verdict(self.requests, end, malformed.rule.status)
        unfinished = (self._reader.has_begun or not self.requests) and not self._is_over
        return Verdict(self.requests, End.UNFINISHED if unfinished else End.SERVED, None)

    def _feed(self, data: bytes) -> None:
        if self._is_over:
            return
        events = self._reader.feed(data)
        while True:
            for event in events:
                if isinstance(event, RequestHead):
                    self._head, self._body = event, b""
                else:
                    self._body += event
            if self._head is None or not self._reader.ended:
                return
            self.requests.append((self._head.method.encode(), self._head.target, self._body))
            self._is_over = not self._head.keep_alive
            self._head = None
            if self._is_over:
                return
            events = self._reader.next_request()


def expected(case: Case) -> Verdict:
    requests = [(seen.method, seen.target, seen.body) for seen in case.forwarded]
    return Verdict(requests, case.end, case.status)


READ = [case for case in CASES if case.end is not End.ANSWERED]
"""For the reader a request that the node answers is one like others."""


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_message_has_its_verdict_whole_and_byte_by_byte(family: Family) -> None:
    for case in (case for case in family.cases if case in READ):
        assert Connection().verdict([case.sent]) == expected(case), case.name
        if len(case.sent) <= SHORT:
            pieces = [case.sent[place : place + 1] for place in range(len(case.sent))]
            assert Connection().verdict(pieces) == expected(case), f"{case.name}, byte by byte"


@given(st.sampled_from(READ), st.data())
def test_a_message_has_its_verdict_wherever_it_is_cut(case: Case, data: st.DataObject) -> None:
    places = sorted(data.draw(st.sets(st.integers(1, len(case.sent) - 1), max_size=4)))
    pieces = [case.sent[one:other] for one, other in pairwise([0, *places, len(case.sent)])]

    assert Connection().verdict(pieces) == expected(case), case.name
