"""Whether a node forwards what is found in a client's bytes, so that all read it alike, and nothing else."""

from gateway.http.fields import Fields
from gateway.http.rules import MAX_FIELDS
from tests.fuzz.connection import read
from tests.fuzz.second_readers import check_with_h11, check_with_llhttp
from tests.integration.gateway.mutated import Mutated, answers_to
from tests.integration.gateway.upstream import Received
from tests.integration.gateway.witness import Witness

_NOT_COMPARED = frozenset(
    {
        *(b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding"),
        *(b"upgrade", b"expect", b"proxy-authorization"),
        *(b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip"),
    }
)
"""Fields that end at a node, or that it writes anew, of those that the corpus has."""


def _lasting(fields: Fields) -> list[bytes]:
    """The lines that are to go on as they are, in their order."""
    options = {
        option.strip().lower()
        for name, value in fields
        if name.lower() == b"connection"
        for option in value.split(b",")
    }
    ended = (options - {b"host", b"content-length"}) | _NOT_COMPARED
    return [name + b": " + value for name, value in fields if name.lower() not in ended]


def _sent(head: Received, body: bytes) -> bytes:
    """The bytes of a request that has arrived, but for where its chunks began."""
    if head.values("Transfer-Encoding") == [b"chunked"]:
        body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
    return b"\r\n".join([head.start_line, *head.lines, b"", body])


def _check_that_all_read_alike(data: bytes, body: bytes) -> None:
    found = read([data])
    assert [request.body for request in found.requests] == [body], data
    assert found.fault is None, data
    assert check_with_h11(data, found), data
    assert check_with_llhttp(data, found), data


async def check_forwarding(mutated: Mutated, port: int, witness: Witness) -> None:
    """Send these bytes to a node at `port` that has `witness` as its upstream.

    Raises:
        AssertionError: it does otherwise; the message has the bytes.
    """
    before = len(witness.whole)
    answers = await answers_to(mutated, port)
    assert [answer.status for answer in answers] == mutated.statuses, mutated
    requests = mutated.found.requests
    assert len(witness.whole) - before == len(requests), mutated
    for request, answer, (head, body) in zip(requests, answers, witness.whole[before:], strict=False):
        line = b"%b %b HTTP/1.1" % (request.method, request.target)
        assert (head.start_line, body) == (line, request.body), mutated
        assert answer.value("X-Asked-For") == request.target, mutated
        arrived = iter(head.lines)
        assert all(line in arrived for line in _lasting(request.head.fields)), mutated
        if len(head.lines) <= MAX_FIELDS:  # some more than may come in may go on
            _check_that_all_read_alike(_sent(head, body), body)
