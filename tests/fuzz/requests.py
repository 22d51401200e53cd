"""The reader of requests: no error but its own, the same however bytes come, and as others read them."""

from gateway.http.request_parser import RequestHead
from tests.corpus import hops
from tests.corpus.corpus import CASES
from tests.fuzz.connection import read
from tests.fuzz.mutation import HTTP, SIGNS, cut, mutated
from tests.fuzz.second_readers import check_with_h11, check_with_llhttp
from tests.fuzz.target import Target

_LONGEST = 2000
_BY_THE_NODE = {case.name for family in hops.FAMILIES for case in family.cases}
"""Which a node may answer itself, though they are whole and right."""
_EXAMPLES = tuple(case.sent for case in CASES if len(case.sent) < _LONGEST and case.name not in _BY_THE_NODE)


def check(given: tuple[bytes, list[bytes]]) -> None:
    """Of bytes, whole and in pieces."""
    data, pieces = given
    found = read([data])
    assert read(pieces) == found
    for request in found.requests:
        _check_head(request.head, len(request.body))
    check_with_h11(data, found)
    check_with_llhttp(data, found)


def _check_head(head: RequestHead, length: int) -> None:
    """What no head that passes may say."""
    assert head.target == b"*" or head.target.startswith(b"/")
    assert set(head.target) <= {*range(0x21, 0x7F)} - {*b"#"}
    assert head.length in (None, length)
    names = [name.lower() for name, _ in head.fields]
    assert names.count(b"content-length") + names.count(b"transfer-encoding") <= 1
    assert names.count(b"host") == 1 or (head.version == (1, 0) and b"host" not in names)
    lines = b"".join(name + b":" + value for name, value in head.fields)
    assert not set(lines) & {*range(0x09), *range(0x0A, 0x20), 0x7F}


INPUTS = cut(mutated(_EXAMPLES, SIGNS + HTTP))
"""A client's bytes on one connection, whole and in pieces."""

TARGETS = (Target("requests", INPUTS, check),)
