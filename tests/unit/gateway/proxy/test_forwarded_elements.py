import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.forwarded import MAX_ELEMENTS, ForwardedError, parse_forwarded, render_element

READ = {
    b"for=192.0.2.43": [{b"for": b"192.0.2.43"}],
    b"For=192.0.2.60;PROTO=http;by=_hidden": [{b"for": b"192.0.2.60", b"proto": b"http", b"by": b"_hidden"}],
    b'for="[2001:db8:cafe::17]:4711"': [{b"for": b"[2001:db8:cafe::17]:4711"}],
    b"for=192.0.2.43, for=198.51.100.17": [{b"for": b"192.0.2.43"}, {b"for": b"198.51.100.17"}],
    b'for="a,b;c=d",for=e': [{b"for": b"a,b;c=d"}, {b"for": b"e"}],
    b'for="\\"x\\\\"': [{b"for": b'"x\\'}],
    b"for=a ; host=b": [{b"for": b"a", b"host": b"b"}],
    b"for=a;;host=b;": [{b"for": b"a", b"host": b"b"}],
    b", for=a,, \t,for=b,": [{b"for": b"a"}, {b"for": b"b"}],
    b"": [],
    b" , ,": [],
}


@pytest.mark.parametrize(("value", "elements"), READ.items())
def test_the_list_is_read(value: bytes, elements: list[dict[bytes, bytes]]) -> None:
    assert parse_forwarded([value]) == elements


def test_the_lines_of_the_field_are_one_list() -> None:
    assert parse_forwarded([b"for=a", b"for=b,for=c"]) == [{b"for": b"a"}, {b"for": b"b"}, {b"for": b"c"}]


MALFORMED = [
    b"192.0.2.43",
    b"for=",
    b"for= 192.0.2.43",
    b"for =192.0.2.43",
    b"for=[2001:db8::17]",
    b"for=192.0.2.43:80",
    b'for="192.0.2.43',
    b'for="x", for="192.0.2.43',
    b'for="a"b',
    b"for=a for=b",
    b"for=a;for=b",
    b"for=a;FOR=a",
    b'for="a\x01b"',
    b'for="a\\',
    b"=a",
    b"for=a;" + b" \t" * 100_000 + b"=",  # in a time that grows with its length only
    b"for=a," * MAX_ELEMENTS,
]


@pytest.mark.parametrize("value", MALFORMED, ids=range(len(MALFORMED)))
def test_what_is_no_such_list_is_not_read(value: bytes) -> None:
    with pytest.raises(ForwardedError):
        parse_forwarded([b"for=a", value])


def test_an_open_quote_does_not_take_in_the_next_line() -> None:
    with pytest.raises(ForwardedError):
        parse_forwarded([b'for="', b'for=192.0.2.43;by="x'])


tokens = st.text("abz09._-!", min_size=1, max_size=5).map(str.encode)
values = st.text("ab.:[]/ ,;=", max_size=8).map(str.encode)


@given(st.lists(st.dictionaries(tokens, values, min_size=1, max_size=3), max_size=3))
def test_what_is_written_is_read_again(elements: list[dict[bytes, bytes]]) -> None:
    written = b", ".join(render_element(list(element.items())) for element in elements)

    assert parse_forwarded([written]) == elements
