"""The engine with one thing left out or wrong at a time, by one function of the real code."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.proxy import inbound_request, simple_request
from gateway.proxy.access_log import AccessLog
from gateway.proxy.client_connection import ClientConnection
from gateway.proxy.server import ProxyServer
from gateway.proxy.simple_request import HeaderTemplate, SimpleRequestParser
from gateway.proxy.transaction import Transaction

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is left out."""

    name: str
    patch: Patch


def _key_goes_on(patch: pytest.MonkeyPatch) -> None:
    form = SimpleRequestParser._template
    patch.setattr(SimpleRequestParser, "_template", lambda *args: replace(form(*args), forwards_key=True))


def _key_anywhere(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(simple_request, "_KEY_MARK", b"")


class _ByLength(dict[bytes, HeaderTemplate]):
    def get(self, text: bytes, default: Any = None) -> Any:
        return super().get(b"%d" % len(text), default)

    def __setitem__(self, text: bytes, form: HeaderTemplate) -> None:
        super().__setitem__(b"%d" % len(text), form)


def _forms_by_length(patch: pytest.MonkeyPatch) -> None:
    _with(patch, lambda reader: setattr(reader, "_templates", _ByLength()))


def _any_body(patch: pytest.MonkeyPatch) -> None:
    _with(patch, lambda reader: setattr(reader, "_max_body_bytes", 1 << 20))


def _with(patch: pytest.MonkeyPatch, change: Callable[[SimpleRequestParser], None]) -> None:
    init = SimpleRequestParser.__init__

    def changed(reader: SimpleRequestParser, *args: Any, **options: Any) -> None:
        init(reader, *args, **options)
        change(reader)

    patch.setattr(SimpleRequestParser, "__init__", changed)


def _clients_not_counted(patch: pytest.MonkeyPatch) -> None:
    finish = Transaction._finish

    def finish_uncounted(transaction: Transaction, *args: Any, **options: Any) -> None:
        transaction._decision = replace(transaction._decision, client=None)
        finish(transaction, *args, **options)

    patch.setattr(Transaction, "_finish", finish_uncounted)


def _left_out(place: type, name: str) -> Patch:
    return lambda patch: patch.setattr(place, name, lambda *_, **__: None)


def _always(place: object, name: str, value: Any) -> Patch:
    return lambda patch: patch.setattr(place, name, lambda *_, **__: value)


MUTATIONS = (
    Mutation("a key goes on that should not", _key_goes_on),
    Mutation("a key that stood elsewhere makes no other form", _key_anywhere),
    Mutation("fields are known by how long they are", _forms_by_length),
    Mutation("a body is as long as it likes", _any_body),
    Mutation("two keys are no trouble", _always(SimpleRequestParser, "_has_this_key", True)),
    Mutation("no peer is a trusted proxy", _always(ProxyServer, "trusts", False)),
    Mutation("ids of trusted proxies are not taken over", _always(simple_request, "request_id_in", None)),
    Mutation("clients are not counted", _clients_not_counted),
    Mutation("the log is not told", _left_out(AccessLog, "log")),
    Mutation("connections stay while the node leaves", _always(Transaction, "_may_keep_alive", True)),
    Mutation("a late answer is awaited", _left_out(Transaction, "on_timeout")),
    Mutation("interim answers stop here", _left_out(Transaction, "_send_interim")),
    Mutation("a client that takes nothing holds nothing back", _left_out(Transaction, "on_client_full")),
    Mutation("who leaves stays in flight", _left_out(Transaction, "on_client_gone")),
    Mutation(
        "anything is sent once more", lambda patch: patch.setattr(inbound_request, "IDEMPOTENT", {"POST"})
    ),
    Mutation("the end of a body does not go up", _left_out(Transaction, "on_body_end")),
    Mutation("a broken body is awaited", _left_out(Transaction, "on_body_error")),
    Mutation("100 Continue is not sent", _always(ClientConnection, "is_body_complete", True)),
    Mutation("what is left of a body has no time limit", _left_out(ClientConnection, "_set_close_timer")),
    Mutation(
        "a connection ends at once",
        lambda patch: patch.setattr(ClientConnection, "_finish_connection", ClientConnection._close),
    ),
    Mutation("an answer that breaks off ends in order", _left_out(ClientConnection, "response_broken")),
)
