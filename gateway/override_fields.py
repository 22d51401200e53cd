"""The overrides hash as a node has read it: what each field says, or said when it last could be read."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.contract.overrides import (
    MAX_TEXT,
    VERSION_FIELD,
    Override,
    Overrides,
    parse_field,
    parse_number,
)
from gateway.contract.records import RecordError


@dataclass(frozen=True, slots=True)
class _Field:
    """`good` is in force: the value of `text`, or where that is malformed of the last one that was not."""

    text: str
    good: tuple[str, Override | int] | None
    malformed: bool = False


class OverrideFields:
    """Filled by `put`, field by field; what stands in `before` with the same text is not parsed again."""

    def __init__(self, before: "OverrideFields | None" = None) -> None:
        self._before: Mapping[str, _Field] = {} if before is None else before._fields
        self._fields: dict[str, _Field] = {}
        self._limits: dict[str, Override] = {}
        self._generations: dict[str, int] = {}
        self._malformed: set[str] = set()

    def __len__(self) -> int:
        return len(self._fields)

    def copy(self) -> "OverrideFields":
        """One of its own, which a change to some fields can be put into."""
        other = OverrideFields(self)
        other._fields = self._fields.copy()
        other._limits = self._limits.copy()
        other._generations = self._generations.copy()
        other._malformed = self._malformed.copy()
        return other

    def put(self, name: str, text: str) -> None:
        """What the field `name` holds now."""
        # Longer ones are malformed, and not to be kept.
        name, text = name[:MAX_TEXT], text[: MAX_TEXT + 1]
        self.drop(name)
        read = self._read(name, text)
        self._fields[name] = read
        if read.malformed:
            self._malformed.add(name)
        if read.good is not None:
            client, value = read.good
            if isinstance(value, Override):
                self._limits[client] = value
            else:
                self._generations[client] = value

    def drop(self, name: str) -> None:
        """The hash has no field `name`, or not any more."""
        read = self._fields.pop(name, None)
        if read is None:
            return
        self._malformed.discard(name)
        if read.good is not None:
            client, value = read.good
            changed: dict[str, Override] | dict[str, int]
            changed = self._limits if isinstance(value, Override) else self._generations
            changed.pop(client, None)

    def overrides(self) -> Overrides:
        """All of it. Not to be changed any more after this, but copied."""
        self._before = {}
        return Overrides(self._limits, self._generations, tuple(sorted(self._malformed)))

    def _read(self, name: str, text: str) -> _Field:
        before = self._before.get(name)
        if before is not None and before.text == text:
            return before
        try:
            if name == VERSION_FIELD:
                parse_number(text)
                return _Field(text, None)
            return _Field(text, parse_field(name, text))
        except RecordError:
            return _Field(text, None if before is None else before.good, malformed=True)
