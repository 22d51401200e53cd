"""Types of setting values, each with its check. A check raises ValueError and says what to write. No I/O."""

import re
from collections.abc import Callable
from ipaddress import IPv6Address
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator
from pydantic_settings import NoDecode

from gateway.access import AccessList, Exempt, TrustedProxies
from gateway.contract.limits import Limits, parse_limit, parse_limits
from gateway.http.forwarded import is_spoofable

OFF = "off"

_NODE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", re.ASCII)


def _node_id(text: str) -> str:
    if _NODE_ID.fullmatch(text) is None:
        raise ValueError("a node id has letters, digits, dots, hyphens and underscores (63 at most)")
    return text


def _host(text: str) -> str:
    if _HOST.fullmatch(text) is None or not _is_resolvable(text):
        raise ValueError("write a host name or an address, without a port")
    return text


def _host_names(text: str) -> str:
    for name in filter(None, (part.strip() for part in text.split(","))):
        _host(name)
    return text


def _limit_or_off(text: str) -> str:
    if text != OFF:
        parse_limit(text)
    return text


def _file_path(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("a path has no NUL in it")
    return path


def _upstream_urls(text: str) -> str:
    parse_upstream_urls(text)
    return text


def _as_text(value: object) -> str:
    """A list as an environment variable writes it, with commas; TOML also has arrays."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _parsed_by(kind: Callable[[str], Any], of: type) -> PlainValidator:
    return PlainValidator(lambda value: value if isinstance(value, of) else kind(_as_text(value)))


def _share(value: object) -> float:
    try:
        share = float(str(value))
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("write a share from 0 (none) to 1 (all)")
    return share


_ADDRESS = re.compile(
    r"https?://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?/?",
    re.ASCII | re.IGNORECASE,
)


def parse_upstream_urls(text: str) -> tuple[str, ...]:
    """One URL, or several separated by commas, each normalized so that equal ones compare equal.

    Raises:
        ValueError: the message says what to write.
    """
    urls = tuple(_url(url.strip()) for url in text.split(","))
    if len(set(urls)) < len(urls):
        raise ValueError("write each address once")
    return urls


def _is_resolvable(host: str) -> bool:
    """Whether a host name is valid in DNS: no label is empty or too long."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _url(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None or not 0 < int(match["port"] or 80) < 65536 or not _is_url_host(match["host"]):
        raise ValueError("write http://HOST or http://HOST:PORT, or https://…, without a user or a path")
    return text.rstrip("/").lower()


def _is_url_host(host: str) -> bool:
    """Whether a URL's host is valid; an IPv6 address is in brackets (RFC 3986 §3.2.2)."""
    if not host.startswith("["):
        return _is_resolvable(host)
    try:
        IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True


_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
_RESERVED_FIELDS = frozenset(
    {
        # framing, routing and hop-by-hop fields (RFC 9110 §7.6.1, RFC 9112 §6)
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "max-forwards",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        # fields that the node reads or writes itself
        "authorization",
        "traceparent",
        "tracestate",
        "x-request-id",
        # fields with several values, or with a meaning to every service
        "content-encoding",
        "content-type",
        "cookie",
    }
)


def check_field_name(text: str) -> str:
    """Return the name of a header field that a setting may choose.

    Raises:
        ValueError: the name is malformed or reserved; the message says what to write.
    """
    if _FIELD_NAME.fullmatch(text) is None:
        raise ValueError("a field's name has letters, digits and hyphens (64 at most), as in X-Client-Id")
    if text.lower() in _RESERVED_FIELDS or is_spoofable(text.lower().encode()):
        raise ValueError("a field of this name has a meaning already: choose another, as in X-Client-Id")
    return text


Host = Annotated[str, AfterValidator(_host)]
HostNames = Annotated[str, BeforeValidator(_as_text), AfterValidator(_host_names)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Share = Annotated[float, PlainValidator(_share)]
SecondsOrOff = Annotated[float, Field(ge=0, le=3600)]
NodeId = Annotated[str, AfterValidator(_node_id)]
UpstreamUrls = Annotated[str, BeforeValidator(_as_text), AfterValidator(_upstream_urls)]
LimitOrOff = Annotated[str, AfterValidator(_limit_or_off)]
LimitValue = Annotated[Limits, _parsed_by(parse_limits, Limits), NoDecode]
ExemptValue = Annotated[Exempt, _parsed_by(Exempt, Exempt), NoDecode]
AccessListValue = Annotated[AccessList, _parsed_by(AccessList, AccessList), NoDecode]
FilePath = Annotated[Path, AfterValidator(_file_path)]
FieldName = Annotated[str, AfterValidator(check_field_name)]
TrustedProxiesValue = Annotated[TrustedProxies, _parsed_by(TrustedProxies, TrustedProxies), NoDecode]
