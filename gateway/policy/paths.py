"""The path of a request target, in every reading that an upstream may have of it.

RFC 3986 §6.2.2 defines which paths are equivalent, but some servers decode more than that, some
remove parameters, some read a backslash as a slash, some keep dot segments, some merge slashes
first, and some read what follows two slashes as a host. A route must match whichever of them is the
upstream, or a limit could be evaded.
"""

import re
from collections.abc import Callable
from itertools import product
from urllib.parse import unquote_to_bytes

_PLAIN = re.compile(rb"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~$&'()*+,:=@!-]+)*/?")
_ORIGIN = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_END = re.compile(rb"[?#]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_SLASHES = re.compile(rb"//+")
_AUTHORITY = re.compile(rb"[/\\]{2,}[^/\\]*")
_PARAMETERS = re.compile(rb";[^/]*")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SHORTEST = {
    digits: bytes([byte]) if byte in _UNRESERVED else b"%%%02X" % byte
    for digits in map(bytes, product(b"0123456789abcdefABCDEF", repeat=2))
    for byte in [int(digits, 16)]
}

_Step = Callable[[bytes], bytes]


def path_variants(target: bytes) -> tuple[str, ...]:
    """The path of a target, normalised in each way that an upstream may do it; nearly always there is one.

    A target without a path (``*``, or only an authority) is the root.
    """
    path = path_of(target)
    if _PLAIN.fullmatch(path) is not None:
        return (path.decode("latin-1"),)
    found = {path, _without_authority(path)}
    for ways in _WAYS:
        found = {way(one) for one in found for way in ways}
    return tuple(sorted(one.decode("latin-1") for one in found))


def path_of(target: bytes) -> bytes:
    """The path of a target, without scheme, authority and query (RFC 9112 §3.2)."""
    origin = _ORIGIN.match(target)
    path = target[origin.end() if origin is not None else 0 :]
    end = _END.search(path)
    if end is not None:
        path = path[: end.start()]
    return path if path.startswith(b"/") else b"/"


def is_plain_path(path: bytes) -> bool:
    """Whether a path has one reading only, which is the path itself."""
    return path != b"" and _PLAIN.fullmatch(path) is not None


def _kept(path: bytes) -> bytes:
    return path


def _unreserved_decoded(path: bytes) -> bytes:
    """RFC 3986 §6.2.2.1 and §6.2.2.2: unreserved characters are decoded, other escapes are upper case."""
    return _ESCAPE.sub(lambda match: _SHORTEST[match[1]], path)


def _without_authority(path: bytes) -> bytes:
    """As by servers that resolve the target as a reference (RFC 3986 §4.2): ``//host/path``."""
    authority = _AUTHORITY.match(path)
    return path if authority is None else b"/" + path[authority.end() + 1 :]


def _all_decoded(path: bytes) -> bytes:
    """As by servers that decode before they split at slashes."""
    return unquote_to_bytes(path)


def _slashed(path: bytes) -> bytes:
    """As by servers that read a backslash as a slash."""
    return path.replace(b"\\", b"/")


def _without_parameters(path: bytes) -> bytes:
    """As by servers for which ``;`` begins a segment's parameters (RFC 3986 §3.3)."""
    return _PARAMETERS.sub(b"", path)


def _merged(path: bytes) -> bytes:
    return _SLASHES.sub(b"/", path)


def _without_dots(path: bytes) -> bytes:
    """RFC 3986 §5.2.4, for a path that begins with a slash."""
    out: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            del out[-1:]
        elif segment != b".":
            out.append(segment)
    if segments[-1] in (b".", b".."):
        out.append(b"")
    return b"/" + b"/".join(out)


_WAYS: tuple[tuple[_Step, ...], ...] = (
    (_kept, _without_parameters),
    (_unreserved_decoded, _all_decoded),
    (_kept, _slashed),
    (_kept, _without_parameters),
    (_kept, _merged),
    (_kept, _without_dots),
    (_merged,),
)
"""Applied one after the other, each alternative of a step to each path so far."""
