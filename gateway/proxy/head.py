"""A request's head: what each line must be, and what they say together (RFC 9112 §3, §5, §6). No IO."""

import re
from dataclasses import dataclass

from gateway.fields import Field, Fields
from gateway.hosts import is_host
from gateway.proxy.claims import is_claim
from gateway.proxy.field_lines import (
    TOKEN,
    FieldError,
    elements_of,
    fault_in,
    parse_field_line,
)
from gateway.proxy.rules import METHODS, Malformed, Rule

Version = tuple[int, int]
_Told = dict[bytes, list[bytes]]
"""The values of the fields that the head is judged by, under their names in lower case."""

_VERSION = re.compile(rb"HTTP/([0-9])\.([0-9])")
_SPOKEN = frozenset({(1, 0), (1, 1)})
_TARGET = re.compile(rb"[\x21-\x7e]+")
_ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*:")
_URL = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE)
_TELLING = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"expect", b"upgrade"})
_NONE: list[bytes] = []
_LENGTH = re.compile(rb"[0-9]{1,18}")
_CODINGS = frozenset({b"gzip", b"x-gzip", b"deflate", b"compress", b"x-compress", b"br", b"zstd"})

SHADOWED = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"max-forwards",
        b"proxy-authorization",
        b"transfer-encoding",
        b"x-api-key",
        b"x-request-id",
    }
)
"""Besides claims: a service may go by these. For CGI and its heirs ``_`` is ``-``, for some each sign is."""

_HYPHENED = bytes.maketrans(b"_!#$%&'*+.^`|~", b"-" * 14)


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A request's first line; `target` as it was sent."""

    method: str
    target: bytes
    version: Version


@dataclass(frozen=True, slots=True)
class RequestHead:
    """What a request's head says.

    `target` is in origin-form, or ``*``: byte for byte as it was sent where it was sent so. `fields` are as
    they were sent, without the space around values. `host` is the host that is asked for, perhaps with a
    port; b"" where an HTTP/1.0 client said none. `length` is that of the body in bytes, None where it comes
    in chunks. `upgrade` is the one protocol that the client offers to switch to, in lower case; b"" is none.
    """

    method: str
    target: bytes
    version: Version
    fields: Fields
    host: bytes
    length: int | None
    keep_alive: bool
    expects_continue: bool
    upgrade: bytes

    @property
    def has_body(self) -> bool:
        """Whether anything follows the head."""
        return self.length != 0


def check_line(line: bytes, limit: int, too_long: Rule, start: int) -> None:
    """Let a line pass, with its CRLF or as far as it has come: the verdict is the same.

    What is before `start` has passed, but for a CR right before it, whose LF may be there now.

    Raises:
        Malformed: it has bytes that no head has, or more than `limit`, which `too_long` says.
    """
    length = len(line.removesuffix(b"\n").removesuffix(b"\r"))  # the LF may be still to come
    fault = fault_in(line if length <= limit else line[:limit], max(0, start - 1))
    if fault is not None:
        raise Malformed(Rule.LINE_END if fault[:1] in b"\r\n" else Rule.CONTROLS)
    if length > limit:
        raise Malformed(too_long)


def parse_request_line(line: bytes) -> RequestLine:
    """Read a line without controls (RFC 9112 §3), strictly: single spaces, and nothing before or after.

    Raises:
        Malformed: it is none, or nothing that is served here.
    """
    parts = line.split(b" ")
    version = _VERSION.fullmatch(parts[-1])
    if len(parts) != 3 or TOKEN.fullmatch(parts[0]) is None or not parts[1] or version is None:
        raise Malformed(Rule.REQUEST_LINE)
    spoken = int(version[1]), int(version[2])
    if spoken not in _SPOKEN:
        raise Malformed(Rule.VERSION)
    method = parts[0].decode("latin-1")
    if method not in METHODS:
        raise Malformed(Rule.METHOD)
    return RequestLine(method, parts[1], spoken)


def parse_field(line: bytes) -> Field:
    """Read a field line without controls.

    Raises:
        Malformed: it is none.
    """
    if line.startswith((b" ", b"\t")):
        raise Malformed(Rule.FOLDED)
    try:
        return parse_field_line(line)
    except FieldError:
        raise Malformed(Rule.FIELD) from None


def head_of(line: RequestLine, fields: Fields, shadowed: frozenset[bytes] = SHADOWED) -> RequestHead:
    """What a request's lines say together.

    Args:
        shadowed: names, in lower case, which must not come with another sign for a hyphen.

    Raises:
        Malformed: with the rule that they break.
    """
    told: _Told = {}
    may_shadow = False
    for name, value in fields:
        lowered = name.lower()
        if lowered in _TELLING:
            told.setdefault(lowered, []).append(value)
        elif lowered.translate(_HYPHENED) != lowered:
            may_shadow = True
    if may_shadow:
        _check_names(fields, shadowed)
    target, host = _target(line, _host(line.version, told))
    length = _length(line.version, told)
    options = elements_of(told.get(b"connection", _NONE))
    is_new = line.version == (1, 1)
    return RequestHead(
        line.method,
        target,
        line.version,
        fields,
        host,
        length,
        keep_alive=b"close" not in options and (is_new or b"keep-alive" in options),
        expects_continue=_expects_continue(line.version, told),
        upgrade=_upgrade(told) if is_new and b"upgrade" in options else b"",
    )


def _check_names(fields: Fields, shadowed: frozenset[bytes]) -> None:
    spellings: dict[bytes, bytes] = {}
    for name, _ in fields:
        lowered = name.lower()
        hyphened = lowered.translate(_HYPHENED)
        if spellings.setdefault(hyphened, lowered) != lowered:
            raise Malformed(Rule.SHADOW)
        if lowered != hyphened and (hyphened in shadowed or is_claim(hyphened)):
            raise Malformed(Rule.SHADOW)


def _host(version: Version, told: _Told) -> bytes:
    hosts = told.get(b"host", _NONE)
    if not hosts:
        if version == (1, 0):
            return b""
        raise Malformed(Rule.NO_HOST)
    if len(hosts) > 1 or not is_host(hosts[0]):
        raise Malformed(Rule.HOST)
    return hosts[0]


def _target(line: RequestLine, host: bytes) -> tuple[bytes, bytes]:
    """The target in origin-form, and the host that is asked for."""
    target = line.target
    if target == b"*":
        if line.method != "OPTIONS":
            raise Malformed(Rule.ASTERISK)
        return target, host
    if _TARGET.fullmatch(target) is None:
        raise Malformed(Rule.TARGET)
    if b"#" in target:
        raise Malformed(Rule.FRAGMENT)
    if target.startswith(b"/"):
        return target, host
    if _ABSOLUTE.match(target) is None:
        raise Malformed(Rule.TARGET)
    return _from_absolute(line, host)


def _from_absolute(line: RequestLine, host: bytes) -> tuple[bytes, bytes]:
    """RFC 9112 §3.2.2. The target would win over Host, but not every server lets it."""
    url = _URL.fullmatch(line.target)
    if url is None or not is_host(url[1]):
        raise Malformed(Rule.ABSOLUTE)
    authority, path = url[1], url[2]
    if host and authority.lower() != host.lower():
        raise Malformed(Rule.OTHER_HOST)
    if not path and line.method == "OPTIONS":
        return b"*", authority  # RFC 9112 §3.2.4
    return path if path.startswith(b"/") else b"/" + path, authority


def _length(version: Version, told: _Told) -> int | None:
    """The body's length in bytes, None where it comes in chunks (RFC 9112 §6.3)."""
    codings = told.get(b"transfer-encoding", _NONE)
    lengths = told.get(b"content-length", _NONE)
    if not codings:
        if not lengths:
            return 0
        if len(lengths) > 1 or _LENGTH.fullmatch(lengths[0]) is None:
            raise Malformed(Rule.LENGTH)
        return int(lengths[0])
    if version == (1, 0):
        raise Malformed(Rule.OLD_CODING)
    if lengths:
        raise Malformed(Rule.LENGTH_AND_CODING)
    if len(codings) > 1 or codings[0].lower() != b"chunked":
        raise Malformed(_bad_coding(codings))
    return None


def _bad_coding(codings: list[bytes]) -> Rule:
    *first, last = [coding.strip(b" \t").lower() for value in codings for coding in value.split(b",")]
    known = first and last == b"chunked" and all(coding in _CODINGS for coding in first)
    return Rule.UNKNOWN_CODING if known else Rule.CODING


def _expects_continue(version: Version, told: _Told) -> bool:
    """Whether the client waits for ``100 Continue``; of HTTP/1.0 it is ignored (RFC 9110 §10.1.1)."""
    expectations = told.get(b"expect", _NONE)
    if not expectations or version == (1, 0):
        return False
    if [value.lower() for value in expectations] != [b"100-continue"]:
        raise Malformed(Rule.EXPECTATION)
    return True


def _upgrade(told: _Told) -> bytes:
    protocols = told.get(b"upgrade", _NONE)
    return protocols[0].lower() if len(protocols) == 1 else b""
