import json

import pytest

from subject.errors import UsageError
from subject.why.pasted_answers import LONGEST, checked_id, read_answer

ID = "9d3c0f5e6a7b8c9d9d3c0f5e6a7b8c9d"
BODY = json.dumps({"type": "about:blank", "status": 429, "violated-policies": ["gold/s", "route/search"]})
WHOLE = f"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nX-Request-Id: {ID}\r\n\r\n{BODY}\n"


@pytest.mark.parametrize(
    ("text", "request_id", "policies"),
    [
        (WHOLE, ID, ("gold/s", "route/search")),
        (WHOLE.replace("\r", ""), ID, ("gold/s", "route/search")),
        ("< " + WHOLE.replace("\r\n", "\n< "), ID, ("gold/s", "route/search")),  # as curl -v shows it
        (f"x-request-id: {ID}", ID, ()),
        (BODY, None, ("gold/s", "route/search")),
        (f"they say: {BODY} and so on", None, ("gold/s", "route/search")),
        (f"  {ID}\n", ID, ()),
        ('{"violated-policies": "all"}', None, ()),
        ('{"violated-policies": [null, 1, "gold/s", {"a": []}]}', None, ("gold/s",)),
    ],
)
def test_what_a_client_got_is_read_however_it_is_pasted(
    text: str, request_id: str | None, policies: tuple[str, ...]
) -> None:
    read = read_answer(text)

    assert (read.request_id, read.policies) == (request_id, policies)


@pytest.mark.parametrize("text", ["", "it does not work!", "{" * 5000, '{"status": 429}', "[" * LONGEST])
def test_what_is_no_refusal_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UsageError, match="paste the answer with its head"):
        read_answer(text)


@pytest.mark.parametrize("head", ["HTTP/1.1 200 OK", "< HTTP/1.1 301 Moved\n\n< HTTP/1.1 403 Forbidden"])
def test_an_answer_that_is_no_429_is_said_to_be_none(head: str) -> None:
    with pytest.raises(UsageError, match=f"that answer is a {head.split()[-2]}: it was not refused"):
        read_answer(f"{head}\nX-Request-Id: {ID}\n\nhello")


def test_of_several_answers_in_a_row_one_that_refuses_is_enough() -> None:
    assert read_answer(f"HTTP/1.1 301 Moved\n\n{WHOLE}").request_id == ID


@pytest.mark.parametrize("text", ["", "a b", "a\nb", "x" * 129, "ä"])
def test_an_id_is_of_safe_characters(text: str) -> None:
    with pytest.raises(UsageError):
        checked_id(text)
