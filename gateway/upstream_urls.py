"""Addresses of upstreams, as settings and the routes file write them. No IO."""

import re
from ipaddress import IPv6Address

_ADDRESS = re.compile(
    r"https?://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?/?",
    re.ASCII | re.IGNORECASE,
)


def upstream_urls(text: str) -> tuple[str, ...]:
    """One URL or several with commas between them, each in the form in which equal ones are the same.

    Raises:
        ValueError: with what would be right.
    """
    urls = tuple(_url(url.strip()) for url in text.split(","))
    if len(set(urls)) < len(urls):
        raise ValueError("write each address once")
    return urls


def can_be_looked_up(host: str) -> bool:
    """Whether the resolver would be asked for this name: no part of it is empty or too long."""
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
    """Whether a host stands in a URL as it has to, an address of IPv6 in brackets (RFC 3986 §3.2.2)."""
    if not host.startswith("["):
        return can_be_looked_up(host)
    try:
        IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True
