"""Header fields as they go over the wire: pairs of name and value, in their order."""

from collections.abc import Iterable

Field = tuple[bytes, bytes]
Fields = list[Field]
RawHeaders = Iterable[Field]


def lines(fields: RawHeaders) -> bytes:
    """Fields as the lines of a head."""
    return b"".join([b"%b: %b\r\n" % field for field in fields])
