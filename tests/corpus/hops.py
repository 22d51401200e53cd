"""How far a request may go, and what it says of the way that it has come."""

from tests.corpus.case import GET, HOST, KEY, SMUGGLED, Case, Family, answered, passes, seen

_OPTIONS = b"OPTIONS /a HTTP/1.1\r\n" + HOST + KEY
_SECOND = seen(b"/smuggled")


def _left(name: str, said: bytes, goes_on: bytes) -> Case:
    lines = (b"Max-Forwards: " + goes_on,)
    return passes(
        name, _OPTIONS + b"Max-Forwards: " + said + b"\r\n\r\n", seen(b"/a", method=b"OPTIONS", lines=lines)
    )


def _bad(name: str, lines: bytes) -> Case:
    return answered(400, name, _OPTIONS + lines + b"\r\n", SMUGGLED, _SECOND)


def _circle(name: str, lines: bytes) -> Case:
    return answered(508, name, GET + lines + b"\r\n", SMUGGLED, _SECOND)


def _claimed(name: str, line: bytes, *arrives: bytes, absent: tuple[bytes, ...] = ()) -> Case:
    return passes(name, GET + line + b"\r\n\r\n", seen(lines=arrives, absent=absent))


FAMILIES = (
    Family(
        "Max-Forwards",
        "RFC 9110 §7.6.2: of OPTIONS; at 0 the node answers, else there is one less; of others it is nothing",
        (
            answered(200, "no hop left", _OPTIONS + b"Max-Forwards: 0\r\n\r\n", SMUGGLED, _SECOND),
            answered(
                200,
                "no hop left, in several noughts",
                _OPTIONS + b"Max-Forwards: 000\r\n\r\n",
                SMUGGLED,
                _SECOND,
            ),
            answered(
                200,
                "no hop left for the server as a whole",
                b"OPTIONS * HTTP/1.1\r\n" + HOST + KEY + b"Max-Forwards: 0\r\n\r\n",
                SMUGGLED,
                _SECOND,
            ),
            _left("one hop left", b"1", b"0"),
            _left("many hops left", b"70", b"69"),
            _left("hops with noughts before them", b"007", b"6"),
            _left("more hops than any number holds", b"9" * 40, b"999999998"),
            _bad("hops that are no number", b"Max-Forwards: x\r\n"),
            _bad("hops below none", b"Max-Forwards: -1\r\n"),
            _bad("hops with a sign", b"Max-Forwards: +1\r\n"),
            _bad("hops without a number", b"Max-Forwards:\r\n"),
            _bad("two numbers of hops", b"Max-Forwards: 1\r\nMax-Forwards: 0\r\n"),
            _bad("a list of hops", b"Max-Forwards: 1, 0\r\n"),
            passes(
                "no hop left for GET", GET + b"Max-Forwards: 0\r\n\r\n", seen(lines=(b"Max-Forwards: 0",))
            ),
        ),
    ),
    Family(
        "circles",
        "RFC 9110 §7.6.3, RFC 5842 §7.2: what has been at this node is answered 508",
        (
            _circle("Via with this node", b"Via: 1.1 node-1\r\n"),
            _circle("Via with this node behind another", b"Via: 1.0 edge, 1.1 node-1\r\n"),
            _circle(
                "Via with this node on a second line", b"Via: 1.0 edge\r\nVia: 1.1 node-1 (a comment)\r\n"
            ),
            _circle("Via with this node in capitals", b"via: 1.1 NODE-1\r\n"),
            passes(
                "Via with another",
                GET + b"Via: 1.0 edge\r\n\r\n",
                seen(lines=(b"Via: 1.0 edge", b"Via: 1.1 node-1")),
            ),
            passes(
                "Via with a name that this node's begins",
                GET + b"Via: 1.1 node-10\r\n\r\n",
                seen(lines=(b"Via: 1.1 node-10",)),
            ),
        ),
    ),
    Family(
        "what a client claims of its way",
        "RFC 7239 §8.1: a peer that is not trusted is not believed; Kettle: Cracking the lens (2017)",
        (
            _claimed(
                "X-Forwarded-For is written anew",
                b"X-Forwarded-For: 192.0.2.1",
                b"X-Forwarded-For: 127.0.0.1",
            ),
            _claimed(
                "X-Forwarded-Proto is written anew", b"X-Forwarded-Proto: https", b"X-Forwarded-Proto: http"
            ),
            _claimed(
                "X-Forwarded-Host is written anew",
                b"X-Forwarded-Host: other.example",
                b"X-Forwarded-Host: service.example",
            ),
            _claimed("X-Real-IP does not go on", b"X-Real-IP: 192.0.2.1", absent=(b"x-real-ip",)),
            _claimed(
                "X-Forwarded-Port does not go on", b"X-Forwarded-Port: 1", absent=(b"x-forwarded-port",)
            ),
            _claimed("X-Original-URL does not go on", b"X-Original-URL: /admin", absent=(b"x-original-url",)),
            _claimed("X-Rewrite-URL does not go on", b"X-Rewrite-URL: /admin", absent=(b"x-rewrite-url",)),
        ),
    ),
)
