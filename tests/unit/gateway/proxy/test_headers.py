from hypothesis import given
from hypothesis import strategies as st

from gateway.http.fields import HOP_BY_HOP, Fields, end_to_end, nominated
from gateway.http.response_head import problem, render_local_reply

NOW = 784111777.5


def lines(head: bytes) -> list[bytes]:
    assert head.endswith(b"\r\n\r\n")
    return head.removesuffix(b"\r\n\r\n").split(b"\r\n")


def test_every_hop_by_hop_field_stays_here() -> None:
    fields = [(name.upper(), b"x") for name in HOP_BY_HOP]

    assert end_to_end([(b"A", b"1"), *fields, (b"B", b"2")]) == [(b"A", b"1"), (b"B", b"2")]


def test_what_connection_names_stays_here_too() -> None:
    fields = [
        (b"Connection", b"keep-alive, X-One ,x-two"),
        (b"x-one", b"1"),
        (b"X-TWO", b"2"),
        (b"connection", b"X-Three"),
        (b"X-Three", b"3"),
        (b"X-Four", b"4"),
    ]

    assert nominated(fields) >= {b"x-one", b"x-two", b"x-three"}
    assert end_to_end(fields) == [(b"X-Four", b"4")]


def test_connection_cannot_take_away_what_the_message_means() -> None:
    fields = [(b"Connection", b"host, Content-Length"), (b"Host", b"h"), (b"Content-Length", b"5")]

    assert end_to_end(fields) == fields[1:]


def test_an_answer_of_ones_own_is_whole() -> None:
    reply = problem(502, "no")
    whole = render_local_reply(reply, b"Connection: close\r\n", head_only=False, now=NOW)
    head, _, body = whole.partition(b"\r\n\r\n")

    assert body == reply.body
    assert lines(head + b"\r\n\r\n") == [
        b"HTTP/1.1 502 Bad Gateway",
        b"Date: Sun, 06 Nov 1994 08:49:37 GMT",
        b"Content-Type: application/problem+json",
        b"Cache-Control: no-store",
        b"Content-Length: %d" % len(body),
        b"Connection: close",
    ]


def test_an_answer_to_head_tells_the_length_and_sends_nothing() -> None:
    reply = problem(502, "no")

    assert (
        render_local_reply(reply, b"", head_only=True, now=NOW)
        == render_local_reply(reply, b"", head_only=False, now=NOW)[: -len(reply.body)]
    )


names = st.sampled_from([b"A", b"b", b"Host", b"Connection", b"TE", b"X-Forwarded-For", b"Upgrade", b"Via"])
values = st.binary(max_size=12).map(lambda value: value.translate(None, b"\r\n\0").strip(b" \t"))


@given(st.lists(st.tuples(names, values), max_size=12))
def test_what_goes_on_is_a_subsequence_of_what_came(fields: Fields) -> None:
    passed = end_to_end(fields)
    rest = iter(fields)

    assert all(field in rest for field in passed)
    assert not {name.lower() for name, _ in passed} & (HOP_BY_HOP | nominated(fields))
