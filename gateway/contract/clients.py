"""The clients file: plans, and registered clients with the digests of their keys.

[plans]
gold = "1000/m"
trial = { limit = "5/s,1000/d", concurrency = 2, shadow = true }

[[clients]]
name = "acme"
plan = "gold"                # optional
limit = "50/s"               # optional, as concurrency and shadow are; goes before the plan's
key = "..."                  # or key_sha256 = "<64 hex digits>"; a list of either for several keys
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.contract import client_id
from gateway.contract.limits import MAX_QUOTA, Limits, LimitSyntaxError, parse_limits
from gateway.contract.policy_table import NOT_FOR_PLANS, ClientPolicy, Terms

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_KEY_FIELDS = ("key", "key_sha256")
_TERM_FIELDS = ("limit", "concurrency", "shadow")
_CLIENT_FIELDS = {"name", "plan", *_TERM_FIELDS, *_KEY_FIELDS}


class ClientsFileError(ValueError):
    """A clients file that cannot be used; the message names the entry, and never a key."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A limit, and what it has beside it."""

    limit: Limits
    terms: Terms = field(default_factory=Terms)


@dataclass(frozen=True, slots=True)
class Clients:
    """All plans by name, all clients by name, and which client a key's digest belongs to."""

    plans: Mapping[str, Plan] = field(default_factory=dict)
    by_name: Mapping[str, ClientPolicy] = field(default_factory=dict)
    name_by_digest: Mapping[str, str] = field(default_factory=dict)

    def identify(self, key: str) -> str | None:
        """The name of the client that `key` belongs to."""
        return self.name_by_digest.get(client_id.key_digest(key))


def parse_clients(text: str) -> Clients:
    """Read a clients file.

    Raises:
        ClientsFileError: with the entry that is wrong and what would be right.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib lets int()'s refusal of a long number through
        raise ClientsFileError(f"not TOML: {error}") from None
    if unknown := document.keys() - {"plans", "clients"}:
        raise ClientsFileError(f"unknown section {min(unknown)!r}: only [plans] and [[clients]] are known")
    plans = _plans(document.get("plans", {}))
    entries = document.get("clients", [])
    if not isinstance(entries, list):
        raise ClientsFileError("clients are written as [[clients]] entries")
    by_name: dict[str, ClientPolicy] = {}
    name_by_digest: dict[str, str] = {}
    for position, entry in enumerate(entries, 1):
        name = _name(position, entry)
        if name in by_name:
            raise ClientsFileError(f"client {name!r} is there twice")
        by_name[name] = _client(name, entry, plans)
        for digest in _digests(name, entry):
            if name_by_digest.setdefault(digest, name) != name:
                raise ClientsFileError(f"{name!r} and {name_by_digest[digest]!r} have the same key")
    return Clients(plans, by_name, name_by_digest)


def _plans(section: Any) -> dict[str, Plan]:
    if not isinstance(section, dict):
        raise ClientsFileError('plans are written as name = "N/period" below [plans]')
    for name in section:
        if not client_id.is_registered_name(name):
            raise ClientsFileError(f"plan {name!r}: a name has letters, digits and ._@- only")
        if name in NOT_FOR_PLANS:
            raise ClientsFileError(f"plan {name!r}: policies without a plan are called so; rename it")
    return {name: _plan(f"plan {name!r}", value) for name, value in section.items()}


def _plan(place: str, value: Any) -> Plan:
    if not isinstance(value, dict):
        return Plan(_limit(place, value))
    if unknown := value.keys() - set(_TERM_FIELDS):
        raise ClientsFileError(f"{place}: unknown field {min(unknown)!r}")
    if "limit" not in value:
        raise ClientsFileError(f"{place}: has no limit")
    return Plan(_limit(place, value["limit"]), Terms(_concurrency(place, value), _shadow(place, value)))


def _limit(place: str, text: Any) -> Limits:
    if not isinstance(text, str):
        raise ClientsFileError(f'{place}: a limit is a text, as in "100/m"')
    try:
        return parse_limits(text)
    except LimitSyntaxError as error:
        raise ClientsFileError(f"{place}: {error}") from None


def _concurrency(place: str, entry: Mapping[str, Any]) -> int | None:
    value = entry.get("concurrency")
    if value is not None and (type(value) is not int or not 0 <= value <= MAX_QUOTA):
        raise ClientsFileError(f"{place}: concurrency is a number of requests, 0 for any number of them")
    return value


def _shadow(place: str, entry: Mapping[str, Any]) -> bool | None:
    value = entry.get("shadow")
    if value is not None and not isinstance(value, bool):
        raise ClientsFileError(f"{place}: shadow is true or false")
    return value


def _name(position: int, entry: Any) -> str:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not client_id.is_registered_name(name):
        raise ClientsFileError(
            f"client {position}: needs a name of letters, digits and ._@- (64 at most, not starting with k_)"
        )
    return name


def _client(name: str, entry: Mapping[str, Any], plans: Mapping[str, Plan]) -> ClientPolicy:
    place = f"client {name!r}"
    if unknown := entry.keys() - _CLIENT_FIELDS:
        raise ClientsFileError(f"{place}: unknown field {min(unknown)!r}")
    plan = entry.get("plan")
    if plan is not None and (not isinstance(plan, str) or plan not in plans):
        raise ClientsFileError(f"{place}: there is no plan {plan!r}")
    limit = None if entry.get("limit") is None else _limit(place, entry["limit"])
    return ClientPolicy(plan, limit, _concurrency(place, entry), _shadow(place, entry))


def _digests(name: str, entry: Mapping[str, Any]) -> list[str]:
    keys, digests = (_texts(name, field_name, entry.get(field_name, [])) for field_name in _KEY_FIELDS)
    if not keys and not digests:
        raise ClientsFileError(f"client {name!r}: has neither key nor key_sha256")
    if not all(client_id.is_usable_key(key) for key in keys):
        raise ClientsFileError(f"client {name!r}: a key is 1 to 256 visible ASCII characters")
    if not all(_DIGEST.fullmatch(digest) for digest in digests):
        raise ClientsFileError(f"client {name!r}: key_sha256 is 64 lower-case hex digits")
    return [client_id.key_digest(key) for key in keys] + digests


def _texts(name: str, field_name: str, value: Any) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(text, str) for text in texts):
        raise ClientsFileError(f"client {name!r}: {field_name} is a text or a list of texts")
    return texts
