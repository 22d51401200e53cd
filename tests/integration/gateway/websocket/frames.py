"""Frames of WebSocket in bytes (RFC 6455 §5.2), also such as nobody may send."""

from dataclasses import dataclass

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_MASK = b"\x37\xfa\x21\x3d"


@dataclass(frozen=True)
class Frame:
    """One frame.

    `rsv` has the three reserved bits. `length_bytes` is how many tell its length, 0 for as few as will do.
    """

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    length_bytes: int = 0
    is_mismasked: bool = False

    def encode(self, *, masked: bool) -> bytes:
        """Its bytes, from who has to mask frames or from who has not to."""
        masked ^= self.is_mismasked
        size = len(self.payload)
        length_bytes = self.length_bytes or (1 if size < 126 else 2 if size < 65536 else 8)
        code = {1: size, 2: 126, 8: 127}[length_bytes]
        head = bytes([self.fin << 7 | self.rsv << 4 | self.opcode, masked << 7 | code])
        if length_bytes > 1:
            head += size.to_bytes(length_bytes, "big")
        return head + _MASK + xor(self.payload, _MASK) if masked else head + self.payload

    @property
    def code(self) -> int | None:
        """Of a close frame; None where it has none."""
        return int.from_bytes(self.payload[:2], "big") if self.payload else None


def closing(code: int, reason: bytes = b"") -> Frame:
    """A close frame."""
    return Frame(CLOSE, code.to_bytes(2, "big") + reason)


def xor(data: bytes, mask: bytes) -> bytes:
    """Masked, or not any more."""
    key = (mask * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data, "big") ^ int.from_bytes(key, "big")).to_bytes(len(data), "big")


def decode(data: bytes) -> tuple[list[Frame], bytes]:
    """The whole frames at the beginning, and what is behind them."""
    frames: list[Frame] = []
    position = 0
    while len(data) >= position + 2:
        first, second = data[position : position + 2]
        start, size = position + 2, second & 127
        if size >= 126:
            length_bytes = 2 if size == 126 else 8
            size = int.from_bytes(data[start : start + length_bytes], "big")
            start += length_bytes
        mask = data[start : start + 4] if second >> 7 else b""
        start += len(mask)
        if len(data) < start + size:
            break
        payload = data[start : start + size]
        payload = xor(payload, mask) if mask else payload
        frames.append(Frame(first & 15, payload, bool(first >> 7), first >> 4 & 7))
        position = start + size
    return frames, data[position:]
