"""What a log line looks like, as text or JSON. What comes from outside can begin no line and colour none."""

import json
import logging
import time

from gateway.request_context import RequestContext

MAX_MESSAGE_LENGTH = 8192
MAX_EXCEPTION_LENGTH = 32768
_CONTINUATION = "  | "


class Event:
    """A message of several values. `str` of it is for text."""

    __slots__ = ()

    def fields(self) -> dict[str, object]:
        """Its values as they stand in JSON, in place of a message."""
        raise NotImplementedError


def escaped(text: str) -> str:
    """On one line, and shown as what it is: what is not printable as Python writes it (``\\n``, ``\\u202e``).

    That is line breaks of all kinds, controls, format characters such as bidi overrides, and lone surrogates.
    """
    if text.isprintable():
        return text
    return "".join([char if char.isprintable() else ascii(char)[1:-1] for char in text])


class TextLines(logging.Formatter):
    """``2026-11-24T21:00:00Z WARNING [request client] message``, times in UTC.

    A traceback follows on lines that begin with two spaces and a bar, which no message can. Where a node has
    several workers, ``w2`` before the message says which one it is of.
    """

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self._worker = "" if worker is None else f"w{worker} "

    def format(self, record: logging.LogRecord) -> str:
        """All lines of one record."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        line = f"{at} {record.levelname:<7} {self._worker}{_whose()}{escaped(_message(record))}"
        exception = _exception(self, record)
        if exception:
            line += "".join([f"\n{_CONTINUATION}{escaped(each)}" for each in exception.split("\n")])
        return line


def _whose() -> str:
    context = RequestContext.current()
    if context is None:
        return ""
    return f"[{context.request_id} {context.client}] " if context.client else f"[{context.request_id}] "


class JsonLines(logging.Formatter):
    """One object a line, in ASCII: ``at`` in seconds since 1970; where a request is in hand, whose it is."""

    def __init__(self, node_id: str, worker: int | None = None) -> None:
        super().__init__()
        self._of: dict[str, object] = {"node": node_id}
        if worker is not None:
            self._of["worker"] = worker

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        line: dict[str, object] = {
            "at": record.created,
            "level": record.levelname.lower(),
            "logger": record.name,
            **self._of,
        }
        context = RequestContext.current()
        if context is not None:
            line["request_id"] = context.request_id
            if context.client:
                line["client"] = context.client
        if isinstance(record.msg, Event):
            line |= record.msg.fields()
        else:
            line["message"] = _well_formed(_message(record))
        exception = _exception(self, record)
        if exception:
            line["exception"] = _well_formed(exception)
        return json.dumps(line)


def _well_formed(text: str) -> str:
    """Without lone surrogates, which JSON can write and many readers refuse (RFC 8259 §8.2)."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _message(record: logging.LogRecord) -> str:
    text = record.getMessage()
    return text if len(text) <= MAX_MESSAGE_LENGTH else text[:MAX_MESSAGE_LENGTH] + "…"


def _exception(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    """The traceback, if there is one. If it is too long its middle is left out: what failed is at the end."""
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    text = formatter.formatException(record.exc_info)
    half = MAX_EXCEPTION_LENGTH // 2
    return text if len(text) <= MAX_EXCEPTION_LENGTH else f"{text[:half]}\n…\n{text[-half:]}"
