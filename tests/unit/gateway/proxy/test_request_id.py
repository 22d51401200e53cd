import os
import re

import pytest

from gateway.http.request_id import RequestIds, request_id_in

UUID = b"6ba7b810-9dad-11d1-80b4-00c04fd430c8"


def test_ids_are_32_hex_digits_and_differ_also_between_nodes() -> None:
    nodes = [RequestIds(os.urandom) for _ in range(3)]
    ids = [node.new() for node in nodes for _ in range(1000)]

    assert all(re.fullmatch(r"[0-9a-f]{32}", each) for each in ids)
    assert len(set(ids)) == len(ids)


def test_an_id_is_taken_from_who_is_believed_and_from_nobody_else() -> None:
    ids = RequestIds(os.urandom)
    fields = [(b"Host", b"a"), (b"x-request-ID", UUID)]

    assert ids.id_of(fields, believed=True) == UUID.decode()
    assert len(ids.id_of(fields, believed=False)) == 32
    assert len(ids.id_of([], believed=True)) == 32


@pytest.mark.parametrize("sent", [UUID, b"a", b"x" * 128, b"Root=1-67891233:abc/def+0~._@="])
def test_ids_of_safe_characters_are_taken(sent: bytes) -> None:
    assert request_id_in([(b"X-Request-Id", sent)]) == sent.decode()


UNSAFE = (
    *(b"", b"x" * 129, b"a b", b"a\tb", b"a\n", b"a\x00", b"a\x1b[0m", b"\xe9", b'"a"', b"a,b", b"a;b"),
    *(b"a\\", b"<a>", b"$(id)", b"`id`", b"{a}", b"a%0a", b"a'", b"a|b", b"a&b"),
)


@pytest.mark.parametrize("sent", UNSAFE)
def test_other_ids_are_not_taken(sent: bytes) -> None:
    ids = RequestIds(os.urandom)

    assert request_id_in([(b"X-Request-Id", sent)]) is None
    assert len(ids.id_of([(b"X-Request-Id", sent)], believed=True)) == 32


def test_two_ids_are_none() -> None:
    assert request_id_in([(b"X-Request-Id", b"a"), (b"x-request-id", b"a")]) is None
