"""Header fields as they go over the wire: pairs of name and value, in their order."""

from collections.abc import Iterable

Field = tuple[bytes, bytes]
Fields = list[Field]
RawHeaders = Iterable[Field]
