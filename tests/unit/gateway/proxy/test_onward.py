from typing import Any

import pytest

from gateway.http.fields import Fields
from gateway.http.forwarded import RemoteAddress
from gateway.http.upstream_request import UpstreamRequestBuilder
from tests.unit.gateway.proxy.heads import request

USUAL: dict[str, Any] = {"key_header": "X-API-Key", "forwards_key": True, "client_header": None}
CLIENT = RemoteAddress(("192.0.2.7",), b"http", b"h", by_proxy=False)
PROXY = RemoteAddress(("192.0.2.7", "10.0.0.1"), b"https", b"h", by_proxy=True)
ADDED = [
    b"X-Forwarded-For: 192.0.2.7",
    b"X-Forwarded-Proto: http",
    b"X-Forwarded-Host: h",
    b"Forwarded: for=192.0.2.7;host=h;proto=http",
    b"Via: 1.1 node-1",
    b"X-Request-Id: id-1",
]


def lines(
    fields: Fields, *method: Any, sender: RemoteAddress = CLIENT, client: str = "acme", **settings: Any
) -> list[bytes]:
    options = {name: settings.pop(name) for name in ("length", "version") if name in settings}
    request_builder = UpstreamRequestBuilder("node-1", **(USUAL | settings))
    head = request_builder.head(request(fields, *method, **options), sender, "id-1", client, b"upstream:80")
    assert head.endswith(b"\r\n\r\n")
    return head.removesuffix(b"\r\n\r\n").split(b"\r\n")


def test_a_head_keeps_order_case_and_bytes_and_adds_six_fields() -> None:
    fields = [(b"hOST", b"h"), (b"B", b"\xe9\xff"), (b"a", b""), (b"B", b"2")]

    assert lines(fields, "PATCH", b"//x/%2e?") == [
        b"PATCH //x/%2e? HTTP/1.1",
        b"hOST: h",
        b"B: \xe9\xff",
        b"a: ",
        b"B: 2",
        *ADDED,
    ]


def test_a_clients_forwarded_fields_are_replaced_and_its_via_kept() -> None:
    fields = [(b"Host", b"h"), (b"x-forwarded-FOR", b"1.1.1.1"), (b"FORWARDED", b"for=1.1.1.1")]

    assert lines([*fields, (b"Via", b"1.0 edge")])[2:] == [b"Via: 1.0 edge", *ADDED]


def test_claims_go_on_from_trusted_proxies_only() -> None:
    claims = [(b"X-Real-IP", b"1.1.1.1"), (b"x-forwarded-port", b"443"), (b"Host", b"h")]

    assert lines(claims)[1 : -len(ADDED)] == [b"Host: h"]
    assert lines(claims, sender=PROXY)[1 : -len(ADDED)] == [
        b"X-Real-IP: 1.1.1.1",
        b"x-forwarded-port: 443",
        b"Host: h",
    ]


@pytest.mark.parametrize("sender", [CLIENT, PROXY], ids=["client", "proxy"])
def test_nobody_asks_for_another_path_behind_the_nodes_back(sender: RemoteAddress) -> None:
    fields = [(b"Host", b"h"), (b"X-Original-URL", b"/admin"), (b"x-rewrite-url", b"/admin")]

    assert lines(fields, sender=sender)[2 : -len(ADDED)] == []


def test_a_trusted_proxys_forwarded_fields_are_written_anew() -> None:
    fields = [(b"Host", b"h"), (b"X-Forwarded-For", b"6.6.6.6, 192.0.2.7"), (b"X-Forwarded-Proto", b"https")]

    assert lines(fields, sender=PROXY)[2:] == [
        b"X-Forwarded-For: 192.0.2.7, 10.0.0.1",
        b"X-Forwarded-Proto: https",
        b"X-Forwarded-Host: h",
        b"Forwarded: for=192.0.2.7;host=h;proto=https, for=10.0.0.1",
        b"Via: 1.1 node-1",
        b"X-Request-Id: id-1",
    ]


def test_a_request_without_host_gets_the_upstreams() -> None:
    head = lines([], version=(1, 0))

    assert head[1] == b"Host: upstream:80"
    assert head[-2] == b"Via: 1.0 node-1"


def test_a_body_of_unknown_length_is_chunked() -> None:
    head = lines([(b"Host", b"h"), (b"Transfer-Encoding", b"Chunked")], "POST", length=None)

    assert [line for line in head if b"encoding" in line.lower()] == [b"Transfer-Encoding: chunked"]


def test_an_expectation_ends_here() -> None:
    assert lines([(b"Host", b"h"), (b"Expect", b"100-continue")])[2:] == ADDED


def test_connection_cannot_take_away_what_the_node_adds() -> None:
    nominated = b"via, x-forwarded-for, forwarded, transfer-encoding, x-client-id, x-request-id"
    fields = [(b"Host", b"h"), (b"Connection", nominated)]
    head = lines(fields, "POST", length=None, client_header="X-Client-Id")

    assert head[2:] == [*ADDED, b"X-Client-Id: acme", b"Transfer-Encoding: chunked"]


KEY = (b"x-api-KEY", b"k")
BEARER = (b"AUTHORIZATION", b"bearer k")
BASIC = (b"Authorization", b"Basic dXNlcjpwYXNz")
KEYS: Fields = [KEY, BEARER, BASIC, (b"X-Token", b"k")]


def test_the_key_goes_on_where_it_is_to() -> None:
    assert lines(KEYS)[1:5] == [b"%b: %b" % field for field in KEYS]


@pytest.mark.parametrize(
    ("key_header", "left"), [("X-API-Key", [BASIC, (b"X-Token", b"k")]), ("X-Token", [KEY, BASIC])]
)
def test_else_both_its_fields_stay_here(key_header: str, left: Fields) -> None:
    head = lines([(b"Host", b"h"), *KEYS], forwards_key=False, key_header=key_header)

    assert head[2 : -len(ADDED)] == [b"%b: %b" % field for field in left]


def test_the_clients_id_is_told_in_place_of_what_a_client_says() -> None:
    fields = [(b"Host", b"h"), (b"x-client-ID", b"root"), (b"X-Client-Id", b"root")]

    assert lines(fields, client_header="X-Client-Id")[2:] == [*ADDED, b"X-Client-Id: acme"]
    assert lines(fields, client_header="X-Client-Id", client="")[2:] == ADDED
    assert lines(fields, client_header="X-Client-Id", sender=PROXY)[-1] == b"X-Client-Id: acme"
    assert lines(fields)[2:4] == [b"x-client-ID: root", b"X-Client-Id: root"]


def test_a_claim_may_be_the_field_of_the_clients_id() -> None:
    fields = [(b"Host", b"h"), (b"X-Forwarded-User", b"root")]
    head = lines(fields, client_header="X-Forwarded-User", sender=PROXY)

    assert [line for line in head if b"User" in line] == [b"X-Forwarded-User: acme"]


def test_options_is_passed_on_once_less() -> None:
    fields = [(b"Host", b"h"), (b"max-forwards", b"5")]

    assert lines(fields, "OPTIONS")[2] == b"max-forwards: 4"
    assert lines(fields, "GET")[2] == b"max-forwards: 5"


def test_a_clients_own_request_id_is_replaced() -> None:
    fields = [(b"Host", b"h"), (b"x-request-ID", b"mine"), (b"X-Request-Id", b"mine")]

    assert lines(fields)[2:] == ADDED


PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_trace_goes_on_as_it_came_where_it_is_one() -> None:
    fields = [(b"TraceParent", PARENT), (b"tracestate", b"a=1"), (b"Host", b"h")]

    assert lines(fields)[1:3] == [b"TraceParent: " + PARENT, b"tracestate: a=1"]
    assert lines([(b"traceparent", b"00-1-2-3"), *fields[1:]])[1:] == [b"Host: h", *ADDED]


def test_content_length_is_forwarded_as_the_number_that_was_read() -> None:
    fields = [(b"Host", b"h"), (b"content-length", b"010")]

    assert lines(fields, "POST", length=10)[2] == b"content-length: 10"
