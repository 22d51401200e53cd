"""The fast lane with one thing left out or wrong at a time, by one function of the real code."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gateway.proxy import fast_request, plain
from gateway.proxy.fast_request import FastRequest
from gateway.proxy.fastlane import FastLane
from gateway.proxy.front import Front
from gateway.proxy.plain import Form, PlainReader

Patch = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Mutation:
    """What is left out."""

    name: str
    patch: Patch


def _key_goes_on(patch: pytest.MonkeyPatch) -> None:
    form = PlainReader._form
    patch.setattr(PlainReader, "_form", lambda *args: replace(form(*args), forwards_key=True))


def _key_anywhere(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(plain, "_KEYS_PLACE", b"")


class _ByLength(dict[bytes, Form]):
    def get(self, text: bytes, default: Any = None) -> Any:
        return super().get(b"%d" % len(text), default)

    def __setitem__(self, text: bytes, form: Form) -> None:
        super().__setitem__(b"%d" % len(text), form)


def _forms_by_length(patch: pytest.MonkeyPatch) -> None:
    _with(patch, lambda reader: setattr(reader, "_forms", _ByLength()))


def _any_body(patch: pytest.MonkeyPatch) -> None:
    _with(patch, lambda reader: setattr(reader, "_most_body_bytes", 1 << 20))


def _with(patch: pytest.MonkeyPatch, change: Callable[[PlainReader], None]) -> None:
    init = PlainReader.__init__

    def changed(reader: PlainReader, *args: Any, **options: Any) -> None:
        init(reader, *args, **options)
        change(reader)

    patch.setattr(PlainReader, "__init__", changed)


def _clients_not_counted(patch: pytest.MonkeyPatch) -> None:
    end = FastRequest._end

    def end_of_nobody(request: FastRequest, *args: Any, **options: Any) -> None:
        request._decision = replace(request._decision, client=None)
        end(request, *args, **options)

    patch.setattr(FastRequest, "_end", end_of_nobody)


def _left_out(place: type, name: str) -> Patch:
    return lambda patch: patch.setattr(place, name, lambda *_, **__: None)


def _always(place: object, name: str, value: Any) -> Patch:
    return lambda patch: patch.setattr(place, name, lambda *_, **__: value)


MUTATIONS = (
    Mutation("a key goes on that should not", _key_goes_on),
    Mutation("a key that stood elsewhere makes no other form", _key_anywhere),
    Mutation("fields are known by how long they are", _forms_by_length),
    Mutation("a body is as long as it likes", _any_body),
    Mutation("two keys are no trouble", _always(PlainReader, "_has_one_key", True)),
    Mutation("nobody is a trusted proxy", _always(FastLane, "trusts", False)),
    Mutation("ids of trusted proxies are not taken over", _always(plain, "request_id_in", None)),
    Mutation("clients are not counted", _clients_not_counted),
    Mutation("the log is not told", _left_out(FastRequest, "_tell")),
    Mutation("connections stay while the node leaves", _always(FastRequest, "_may_stay", True)),
    Mutation("a late answer is awaited", _left_out(FastRequest, "answer_late")),
    Mutation("interim answers stop here", _left_out(FastRequest, "_pass_on")),
    Mutation("a client that takes nothing holds nothing back", _left_out(FastRequest, "pause")),
    Mutation("who leaves stays in flight", _left_out(FastRequest, "abandon")),
    Mutation("anything is sent once more", lambda patch: patch.setattr(fast_request, "IDEMPOTENT", {"POST"})),
    Mutation("an answer that breaks off ends in order", _left_out(Front, "fast_broke")),
)
