"""What nodes and observers read from Redis and from files: no error but the documented ones."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from gateway.config.policy_files import RoutesFileError, parse_routes
from gateway.contract.client_id import is_client_id
from gateway.contract.clients import ClientsFileError, parse_clients
from gateway.contract.limits import LimitSyntaxError, parse_limits
from gateway.contract.overrides import Override, parse_announcement, parse_field, parse_overrides
from gateway.contract.records import RecordError, decode, encode
from gateway.contract.redis_url import parse_redis_url
from tests.contract.examples import OVERRIDE, RECORDS
from tests.fuzz.mutation import mutated
from tests.fuzz.target import Target

Value = TypeVar("Value")

_JSON = (
    b"null",
    b"true",
    b"1e400",
    b"-1",
    b"9223372036854775808",
    b"NaN",
    b'"\\ud800"',
    b"[[[[",
    b"{}",
    b'""',
)
_LIMITS = (b"100/m", b"10/s,500/m,10000/d", b"1/366d", b" 5/10s ", b"1000000000/h")
_TOML = (
    b'"',
    b"[",
    b"]",
    b"[[",
    b"\n",
    b"=",
    b"{",
    b"}",
    b"true",
    b"0x_",
    b"1e999",
    b'"""',
    b"\\u0000",
    b"#",
)
_CLIENTS = (
    b'[plans]\nfree = "100/m"\ngold = {limit = "10/s,500/m", concurrency = 5, shadow = true}\n'
    b'[[clients]]\nname = "acme"\nplan = "gold"\nkey = "s3cret"\n'
    b'[[clients]]\nname = "b@c"\nlimit = "1/s"\nkey_sha256 = ["' + b"0a" * 32 + b'"]\n',
    b'clients = [{name = "a", key = ["b", "c"], concurrency = 0}]\n',
)
_ROUTES = (
    b'[upstreams]\nsearch = "http://10.0.0.7:9000,http://10.0.0.8:9000"\n'
    b'[[routes]]\nname = "search"\npath = "/api/search"\nhost = "*.example.org"\nmethods = ["GET", "POST"]\n'
    b'upstream = "search"\nlimit = "5/s,1000/d"\ncost = 3\nshadow = false\n',
    b'[[routes]]\nname = "all"\npath = "/"\ncost = 2\n[[routes]]\nname = "b"\npath = "/b"\nlimit = "1/s"\n',
)
_URLS = (
    b"redis://127.0.0.1:6379/0",
    b"rediss://user:s3cret@redis.example:6380/3?ssl_ca_certs=/a.pem&ssl_cert_reqs=none",
    b"unix:///run/redis.sock?db=2",
    b"redis+sentinel://[::1]:26379,b:1/main/1?sentinel_password=s3cret",
)


def texts(examples: tuple[bytes, ...], pieces: tuple[bytes, ...] = ()) -> st.SearchStrategy[str]:
    """Texts that are almost right, and any others."""
    parts = (*pieces, b"\xc3\xa9", b" ", b",", b"/", b"0", b"-", b"\0", b"9" * 30)
    return mutated(examples, parts).map(lambda data: data.decode("utf-8", "replace")) | st.text(max_size=40)


def _read(parse: Callable[[str], Value], text: str, documented: type[ValueError]) -> Value | None:
    """None where it is refused, which is told in words."""
    try:
        return parse(text)
    except documented as error:
        message = str(error)
    assert message
    return None


def check_record(given: tuple[type[Any], str]) -> None:
    """What is read can be written, and reads back as it was."""
    kind, text = given
    record = _read(lambda one: decode(kind, one), text, RecordError)
    if record is not None:
        assert decode(kind, encode(record)) == record


def check_limits(text: str) -> None:
    """A limit that is read is the one that it writes itself as."""
    limits = _read(parse_limits, text, LimitSyntaxError)
    if limits is not None:
        assert parse_limits(str(limits)) == limits
        assert 1 <= limits.smallest_quota <= min(window.quota for window in limits.windows)


def check_override(given: tuple[str, str]) -> None:
    """A field of the overrides is read, or is listed as malformed; never both, and it stops no other."""
    name, text = given
    good = {"limit:acme": encode(OVERRIDE)}
    found = parse_overrides(good | {name: text})
    if name == "version":
        return
    try:
        client, value = parse_field(name, text)
    except RecordError:
        assert found.malformed == (name,)
        assert name == "limit:acme" or found.limits == {"acme": OVERRIDE}
    else:
        assert is_client_id(client)
        assert found.malformed == ()
        held = found.limits if isinstance(value, Override) else found.generations
        assert held[client] == value


def check_announcement(text: str) -> None:
    """An announcement that is read writes itself as one that is read alike."""
    announcement = parse_announcement(text)
    if announcement is not None:
        assert parse_announcement(str(announcement)) == announcement


def check_clients(text: str) -> None:
    """Whoever is in a clients file has a plan that is there."""
    clients = _read(parse_clients, text, ClientsFileError)
    if clients is not None:
        assert {client.plan for client in clients.by_name.values()} <= {None, *clients.plans}
        assert set(clients.name_by_digest.values()) == clients.by_name.keys()


def check_routes(text: str) -> None:
    """A route leads to an upstream that is there."""
    file = _read(parse_routes, text, RoutesFileError)
    if file is not None:
        assert {route.upstream for route in file.routes} <= {"", *file.upstreams}
        assert all(route.path.startswith("/") and route.cost >= 1 for route in file.routes)


def check_redis_url(text: str) -> None:
    """What is shown of an address does not depend on its passwords."""
    target = _read(parse_redis_url, text, ValueError)
    if target is not None:
        assert all(0 < port < 65536 for _, port in target.addresses)
        without = replace(target, password=None, sentinel_password=None)
        assert (repr(target), target.place) == (repr(without), without.place)


_KINDS = tuple(type(record) for record in RECORDS)
_TEXTS = tuple(encode(record).encode() for record in RECORDS)
_NAMES = st.sampled_from(["limit:acme", "generation:acme", "version", "limit:k_0123456789abcdef"])

TARGETS = (
    Target("records", st.tuples(st.sampled_from(_KINDS), texts(_TEXTS, _JSON)), check_record),
    Target("limits", texts(_LIMITS, (b"s", b"m", b"h", b"d")), check_limits),
    Target(
        "overrides",
        st.tuples(
            _NAMES | texts((b"limit:acme", b"generation:acme", b"limit:", b"version")),
            texts((encode(OVERRIDE).encode(), b"42"), _JSON),
        ),
        check_override,
    ),
    Target(
        "announcements", texts((b"42 acme", b"1 k_0123456789abcdef", b"7 2001:db8::/64")), check_announcement
    ),
    Target("clients files", texts(_CLIENTS, _TOML + _LIMITS), check_clients),
    Target("routes files", texts(_ROUTES, _TOML + _LIMITS), check_routes),
    Target(
        "Redis' addresses",
        texts(_URLS, (b"@", b":", b"?", b"&", b"=", b"%", b"%ff", b"[", b"]")),
        check_redis_url,
    ),
)
