"""The chunked transfer coding (RFC 9112 §7.1)."""

import re

from gateway.http.fields import QUOTED_PATTERN, TOKEN_PATTERN, FieldError, invalid_bytes, parse_field_line

MAX_SIZE_LINE_BYTES = 256
MAX_OVERHEAD_BYTES = 16384
"""Of extensions and trailers in one body: otherwise each one-byte chunk could carry an extension."""
MAX_TRAILER_BYTES = 8192

_SIZE_LINE = re.compile(
    rb"([0-9A-Fa-f]{1,15})((?:[ \t]*;[ \t]*%b(?:[ \t]*=[ \t]*(?:%b|%b))?)*)"
    % (TOKEN_PATTERN, TOKEN_PATTERN, QUOTED_PATTERN)
)
_LAST = b"0\r\n\r\n"
"""The last chunk without extension or trailer."""
_SIMPLE_SIZE = re.compile(rb"(0{0,7}[1-9A-Fa-f][0-9A-Fa-f]{0,7})\r\n")


class ChunkError(ValueError):
    """Malformed chunks, or too many extensions or trailers."""


class ChunkReader:
    """An incremental decoder. `rest` has the bytes after the body, once `ended`."""

    def __init__(self) -> None:
        self.ended = False
        self.rest = b""
        self._buffer = b""
        self._missing = 0  # of the current chunk, including the CRLF at its end
        self._overhead = 0
        self._in_trailer = False

    def feed(self, data: bytes) -> list[bytes]:
        """Decode more bytes; returns pieces of content, none of them empty.

        Raises:
            ChunkError: nothing more can be decoded.
        """
        pieces: list[bytes] = []
        data = self._buffer + data
        position = 0
        while not self.ended:
            if self._missing:
                step = self._parse_data(data, position, pieces)
            elif self._in_trailer:
                step = self._parse_trailer(data, position)
            else:
                position = _parse_whole_chunks(data, position, pieces)
                self.ended = data.startswith(_LAST, position)
                step = len(_LAST) if self.ended else self._parse_size(data, position)
            if not step:
                break
            position += step
        if self.ended:
            self.rest, self._buffer = data[position:], b""
        else:
            self._buffer = data[position:]
        return pieces

    def _parse_data(self, data: bytes, position: int, pieces: list[bytes]) -> int:
        payload = data[position : position + max(0, self._missing - 2)]
        if payload:
            pieces.append(payload)
            self._missing -= len(payload)
            return len(payload)
        end = data[position : position + self._missing]
        if end != b"\r\n"[2 - self._missing :][: len(end)]:
            raise ChunkError("a chunk is longer than it says")
        self._missing -= len(end)
        return len(end)

    def _parse_size(self, data: bytes, position: int) -> int:
        end = data.find(b"\r\n", position, position + MAX_SIZE_LINE_BYTES + 2)
        line = data[position : end if end >= 0 else position + MAX_SIZE_LINE_BYTES + 2]
        if end < 0:
            if len(line) > MAX_SIZE_LINE_BYTES or b"\n" in line or b"\r" in line[:-1]:
                raise ChunkError("a chunk's size line is too long or has no end")
            return 0
        match = _SIZE_LINE.fullmatch(line)
        if match is None:
            raise ChunkError("a chunk has no size")
        self._overhead += len(match[2])
        if self._overhead > MAX_OVERHEAD_BYTES:
            raise ChunkError("there are too many chunk extensions")
        size = int(match[1], 16)
        self._in_trailer = not size
        self._missing = size + 2 if size else 0
        return len(line) + 2

    def _parse_trailer(self, data: bytes, position: int) -> int:
        if data.startswith(b"\r\n", position):
            self.ended = True
            return 2
        end = data.find(b"\r\n", position)
        line = data[position:] if end < 0 else data[position:end]
        if invalid_bytes(line if end < 0 else line + b"\r\n") is not None or line.startswith((b" ", b"\t")):
            raise ChunkError("a trailer field is not well-formed")
        self._overhead += len(line) if end >= 0 else 0
        if (
            self._overhead + (len(line) if end < 0 else 0) > MAX_OVERHEAD_BYTES
            or len(line) > MAX_TRAILER_BYTES
        ):
            raise ChunkError("the trailer section is too long")
        if end < 0:
            return 0
        try:
            parse_field_line(line)
        except FieldError:
            raise ChunkError("a trailer field is not well-formed") from None
        return len(line) + 2


def _parse_whole_chunks(data: bytes, position: int, pieces: list[bytes]) -> int:
    """Decode whole chunks without extensions; returns the position of the next chunk.

    Hot path for tiny chunks: 0.6 µs each here, 1.7 µs by the three general steps.
    """
    size_line = _SIMPLE_SIZE.match
    while (match := size_line(data, position)) is not None:
        start = match.end()
        end = start + int(match[1], 16)
        if data[end : end + 2] != b"\r\n":
            break
        pieces.append(data[start:end])
        position = end + 2
    return position
