"""A refusal as its client has it: the answer that it got, pasted whole, or its body or its request's id."""

import json
import re
from dataclasses import dataclass
from typing import Any

from subject.errors import UsageError

LONGEST = 65_536
_ID = r"[A-Za-z0-9._~:/+=@-]{1,128}"
_FIELD = re.compile(rf"^[<\s]*x-request-id:[ \t]*({_ID})[ \t\r]*$", re.IGNORECASE | re.MULTILINE | re.ASCII)
_STATUS = re.compile(r"^[<\s]*HTTP/[0-9.]+[ \t]+([0-9]{3})\b", re.MULTILINE | re.ASCII)
REFUSED = "429"
_ALONE = re.compile(_ID, re.ASCII)
_MADE_HERE = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PastedAnswer:
    """What it says: the request's id, and the policies that were violated; none where it does not."""

    request_id: str | None
    policies: tuple[str, ...]


def is_made_by_a_node(text: str) -> bool:
    """Whether `text` looks like the id that a node gives a request."""
    return _MADE_HERE.fullmatch(text) is not None


def checked_id(text: str) -> str:
    """A request's id.

    Raises:
        UsageError: it is none.
    """
    if _ALONE.fullmatch(text) is None:
        raise UsageError(
            "that is no request id: it stands in the answer's X-Request-Id, mostly 32 hex digits"
        )
    return text


def read_answer(text: str) -> PastedAnswer:
    """What was pasted: an answer with or without its head (as ``curl -i`` shows it), or an id alone.

    Raises:
        UsageError: it is none of these.
    """
    text = text[:LONGEST]
    field = _FIELD.search(text)
    body = _body(text)
    if _ALONE.fullmatch(text.strip()):
        return PastedAnswer(text.strip(), ())
    statuses = _STATUS.findall(text)
    if statuses and REFUSED not in statuses:
        raise UsageError(
            f"that answer is a {statuses[-1]}: it was not refused for a limit, which is a {REFUSED}; "
            "subject why CLIENT tells how its client fares"
        )
    if field is None and body is None:
        raise UsageError(
            "that is no refusal: paste the answer with its head (curl -i), its body, or its X-Request-Id"
        )
    named = (body or {}).get("violated-policies")
    policies = tuple(name for name in named if isinstance(name, str)) if isinstance(named, list) else ()
    return PastedAnswer(None if field is None else field[1], policies)


def _body(text: str) -> dict[str, Any] | None:
    """The problem (RFC 9457) in it that names policies."""
    for match in re.finditer("{", text):
        try:
            found, _ = json.JSONDecoder().raw_decode(text, match.start())
        except (ValueError, RecursionError):
            return None
        if isinstance(found, dict) and "violated-policies" in found:
            return found
    return None
