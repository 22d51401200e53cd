from collections import Counter

from h11 import SERVER, Connection, Data, EndOfMessage, Request

from loadtest.bench import requests


def read(message: bytes) -> tuple[Request, bytes]:
    """As another reader of HTTP sees it."""
    reader = Connection(SERVER)
    reader.receive_data(message)
    request, body = reader.next_event(), b""
    assert isinstance(request, Request)
    while isinstance(event := reader.next_event(), Data):
        body += bytes(event.data)
    assert isinstance(event, EndOfMessage)
    assert reader.trailing_data == (b"", False)
    return request, body


def test_a_get_is_a_whole_message_with_its_key() -> None:
    request, body = read(requests.of("round-1", keys=100)(3))

    assert (request.method, body) == (b"GET", b"")
    assert dict(request.headers)[b"x-api-key"] == requests.key("round-1", 3 * requests.STRIDE % 100).encode()


def test_a_post_has_a_body_of_the_size() -> None:
    request, body = read(requests.of("round-1", keys=1, body_bytes=4096)(0))

    assert (request.method, len(body)) == (b"POST", 4096)


def test_each_request_differs_and_each_key_comes_as_often() -> None:
    request = requests.of("round-1", keys=1000)
    messages = [request(number) for number in range(3000)]

    keys = Counter(dict(read(message)[0].headers)[b"x-api-key"] for message in messages)
    assert len(set(messages)) == 3000
    assert set(keys.values()) == {3}
