"""REDIS_URL, the same for nodes and observers: its forms, and what it says."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from gateway.contract.tls import oldest_version

FORMS = (
    "write redis://HOST:PORT/DATABASE, rediss://HOST:PORT/DATABASE (TLS), unix:///PATH?db=DATABASE or "
    "redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DATABASE (rediss+sentinel:// with TLS), "
    "with USER:PASSWORD@ in front of the host or path where needed"
)
"""The message of a URL that has none of the forms."""
REDIS_PORT = 6379
SENTINEL_PORT = 26379

_HOST = r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_USER = r"(?:(?P<username>[^/?#@\s:]*)(?::(?P<password>[^/?#@\s]*))?@)?"
_QUERY = r"(?:\?(?P<query>[^#\s]+))?"
_PATTERNS = tuple(
    re.compile(form, re.ASCII | re.IGNORECASE)
    for form in (
        rf"redis(?P<tls>s)?://{_USER}(?P<hosts>{_HOST})(?:/(?P<database>[0-9]{{0,5}}))?{_QUERY}",
        rf"unix://{_USER}(?P<path>/[^?#\s]+){_QUERY}",
        rf"redis(?P<tls>s)?\+sentinel://{_USER}(?P<hosts>{_HOST}(?:,{_HOST})*)"
        rf"/(?P<service>[A-Za-z0-9._-]+)(?:/(?P<database>[0-9]{{0,5}}))?{_QUERY}",
    )
)
_TLS_OPTIONS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
_SENTINEL_OPTIONS = ("sentinel_username", "sentinel_password")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True, slots=True)
class Tls:
    """How a server is verified, and what it is shown. Names and defaults are redis-py's."""

    ssl_ca_certs: str | None = None
    """A file of authorities beside those of the system."""
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_cert_reqs: str = "required"
    ssl_check_hostname: bool = True


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """Where Redis is, and how to get in: a server at `addresses[0]`, one at the socket `path`, or the one
    that the sentinels at `addresses` call the master of `service`.
    """

    addresses: tuple[tuple[str, int], ...] = ()
    path: str | None = None
    service: str | None = None
    database: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: Tls | None = None
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """host:port, a path, or a service and its sentinels: what may be shown."""
        hosts = ", ".join(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.addresses
        )
        if self.service is not None:
            return f"{self.service} (sentinels {hosts})"
        return self.path if self.path is not None else hosts

    def options(self) -> dict[str, Any]:
        """Keyword arguments for redis-py's `Redis`, or its `Sentinel.master_for`."""
        options = self._entry(self.username, self.password) | {"db": self.database}
        if self.path is not None:
            options["unix_socket_path"] = self.path
        elif self.service is None:
            options["host"], options["port"] = self.addresses[0]
        return options

    def sentinel_options(self) -> dict[str, Any]:
        """Keyword arguments for redis-py's `Redis`, for each of the sentinels, beside host and port."""
        return self._entry(self.sentinel_username, self.sentinel_password)

    def _entry(self, username: str | None, password: str | None) -> dict[str, Any]:
        options: dict[str, Any] = {"username": username, "password": password}
        if self.tls is not None:
            options |= {"ssl": True, "ssl_min_version": oldest_version()}
            options |= {name: getattr(self.tls, name) for name in _TLS_OPTIONS}
        return options


def check_redis_url(text: str) -> str:
    """`text`, if it is the address of a Redis.

    Raises:
        ValueError: as for `parse_redis_url`.
    """
    parse_redis_url(text)
    return text


def parse_redis_url(text: str) -> RedisTarget:
    """What a URL says; user, password and what stands in the query are percent-decoded.

    Raises:
        ValueError: with what would be right; the message does not repeat the text, which may hold a password.
    """
    found = next(filter(None, (pattern.fullmatch(text) for pattern in _PATTERNS)), None)
    if found is None:
        raise ValueError(FORMS)
    parts = found.groupdict()
    query = _query(parts)
    service, hosts = parts.get("service"), parts.get("hosts")
    return RedisTarget(
        addresses=_addresses(hosts, REDIS_PORT if service is None else SENTINEL_PORT),
        path=_decoded(parts.get("path")),
        service=service,
        database=int(parts.get("database") or query.get("db") or 0),
        username=_decoded(parts["username"]),
        password=_decoded(parts["password"]),
        tls=_tls(query) if parts.get("tls") else None,
        sentinel_username=query.get("sentinel_username"),
        sentinel_password=query.get("sentinel_password"),
    )


def _decoded(text: str | None) -> str | None:
    """None also where nothing stands: an empty user or password is none."""
    try:
        return unquote(text, errors="strict") if text else None
    except UnicodeDecodeError:
        raise ValueError(FORMS) from None


def _addresses(hosts: str | None, default_port: int) -> tuple[tuple[str, int], ...]:
    addresses = []
    for address in hosts.split(",") if hosts else ():
        host, _, port = address.rpartition(":") if re.search(r":[0-9]+$", address) else (address, "", "")
        addresses.append((host.strip("[]"), int(port or default_port)))
    if not all(0 < port < 65536 for _, port in addresses):
        raise ValueError(FORMS)
    return tuple(addresses)


def _query(parts: Mapping[str, str | None]) -> dict[str, str]:
    pairs = parse_qsl(parts["query"] or "", keep_blank_values=True)
    query = dict(pairs)
    allowed: set[str] = {"db"} if parts.get("path") else set()
    allowed |= set(_TLS_OPTIONS) if parts.get("tls") else set()
    allowed |= set(_SENTINEL_OPTIONS) if parts.get("service") else set()
    if query.keys() & set(_TLS_OPTIONS) and not parts.get("tls"):
        raise ValueError("ssl_… options go with rediss:// or rediss+sentinel://")
    is_database = re.fullmatch(r"[0-9]{1,5}", query.get("db", "0"), re.ASCII)
    if not query.keys() <= allowed or len(query) != len(pairs) or not is_database or "" in query.values():
        raise ValueError(FORMS)
    return query


def _tls(query: Mapping[str, str]) -> Tls:
    requirement = query.get("ssl_cert_reqs", "required")
    if requirement not in ("required", "optional", "none"):
        raise ValueError("ssl_cert_reqs is required, optional or none")
    checks_name = _BOOLEANS.get(query.get("ssl_check_hostname", "true").lower())
    if checks_name is None:
        raise ValueError("ssl_check_hostname is true or false")
    if "ssl_keyfile" in query and "ssl_certfile" not in query:
        raise ValueError("ssl_keyfile is the key of an ssl_certfile: name that too")
    files = {name: query.get(name) for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")}
    return Tls(**files, ssl_cert_reqs=requirement, ssl_check_hostname=checks_name)
