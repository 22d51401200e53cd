"""Valid and invalid values as the Recommendation's own test suite has them."""

import pytest

from gateway.http.upstream_request import MAX_MEMBERS, invalid_trace_fields

TRACE, SPAN = b"4bf92f3577b34da6a3ce929d0e0e4736", b"00f067aa0ba902b7"
PARENT = b"00-%b-%b-01" % (TRACE, SPAN)
BOTH = frozenset({b"traceparent", b"tracestate"})
STATE_ONLY = frozenset({b"tracestate"})
NONE: frozenset[bytes] = frozenset()


def left_out(*parents: bytes, states: tuple[bytes, ...] = (b"foo=1",)) -> frozenset[bytes]:
    fields = [(b"Host", b"a"), *((b"Traceparent", value) for value in parents)]
    return invalid_trace_fields([*fields, *((b"TraceState", value) for value in states)])


def test_where_there_is_none_nothing_is_left_out() -> None:
    assert invalid_trace_fields([(b"Host", b"a"), (b"X-Eleven-xx", b"b")]) == NONE


@pytest.mark.parametrize(
    "parent",
    [
        PARENT,
        b"00-%b-%b-00" % (TRACE, SPAN),
        b"00-%b-%b-ff" % (TRACE, SPAN),
        b"cc-%b-%b-01" % (TRACE, SPAN),
        b"cc-%b-%b-01-what-the-future-will-be-like" % (TRACE, SPAN),
        b"cc-%b-%b-01-" % (TRACE, SPAN),
    ],
)
def test_a_well_formed_parent_goes_on(parent: bytes) -> None:
    assert left_out(parent) == NONE
    assert left_out(parent, states=()) == NONE


@pytest.mark.parametrize(
    "parent",
    [
        b"",
        b"-",
        PARENT.upper(),
        b"ff" + PARENT[2:],
        b".0" + PARENT[2:],
        b"0" + PARENT,
        PARENT[1:],
        b"00-%b-%b-01" % (b"0" * 32, SPAN),
        b"00-%b-%b-01" % (TRACE, b"0" * 16),
        b"00-%b-%b-01" % (TRACE[:-1] + b".", SPAN),
        b"00-%b-%b-01" % (TRACE[:-1], SPAN),
        b"00-%b-%b-01" % (TRACE, SPAN + b"0"),
        b"00-%b-%b-.0" % (TRACE, SPAN),
        b"00-%b-%b-1" % (TRACE, SPAN),
        PARENT + b".",
        PARENT + b"-",
        PARENT + b"-what-the-future-will-be-like",
        b"cc-%b-%b-01.what-the-future-will-be-like" % (TRACE, SPAN),
        PARENT + b"\n",
        PARENT + b", " + PARENT,
    ],
)
def test_a_malformed_parent_is_left_out_with_its_state(parent: bytes) -> None:
    assert left_out(parent) == BOTH
    assert left_out(parent, states=()) == {b"traceparent"}


def test_two_parents_are_none() -> None:
    assert left_out(PARENT, PARENT) == BOTH


def test_a_state_without_a_parent_is_left_out() -> None:
    assert left_out() == STATE_ONLY


@pytest.mark.parametrize(
    "states",
    [
        (b"foo=1",),
        (b"foo=1,bar=2",),
        (b"foo=1", b"bar=2"),
        (b"foo=1 \t , \t bar=2, \t baz=3",),
        (b"foo=1,", b",", b"", b"bar=2"),
        (b"foo= 1",),
        (b"fw529a3039@dt=FfIM,congo=t61rcWkgMzE,0a@b=:!\"#$%&'()*+-./;<>?[]^_`{|}~",),
        (b"a-*/_0=1",),
        (b"a" * 256 + b"=" + b"v" * 256,),
        (b"0foo=1,t@v=1",),
        (b",".join(b"bar%02d=%02d" % (n, n) for n in range(MAX_MEMBERS)),),
    ],
)
def test_a_well_formed_state_goes_on(states: tuple[bytes, ...]) -> None:
    assert left_out(PARENT, states=states) == NONE


@pytest.mark.parametrize(
    "states",
    [
        (b"foo",),
        (b"foo=",),
        (b"=1",),
        (b"foo=1;bar=2",),
        (b"foo =1",),
        (b"FOO=1",),
        (b"foo.bar=1",),
        (b"@foo=1",),
        (b"_foo=1",),
        (b"foo=bar=baz",),
        (b"foo=1\x00",),
        (b"foo=\xe9",),
        (b"foo=1,foo=1",),
        (b"foo=1", b"foo=2"),
        (b"a" * 257 + b"=1",),
        (b"foo=" + b"v" * 257,),
        (b",".join(b"bar%02d=%02d" % (n, n) for n in range(MAX_MEMBERS + 1)),),
    ],
)
def test_a_malformed_state_is_left_out_alone(states: tuple[bytes, ...]) -> None:
    assert left_out(PARENT, states=states) == STATE_ONLY
