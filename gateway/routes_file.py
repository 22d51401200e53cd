"""The routes file: limits and costs by path and method, beside the clients' own limits.

[[routes]]
name = "search"
path = "/api/search"         # a prefix by whole segments; "/" is all
methods = ["GET", "POST"]    # optional: all; GET is HEAD too
limit = "5/s,1000/d"         # optional, of each client
cost = 3                     # optional: what a request takes of each window that it meets, 1
shadow = false               # optional: the limit refuses nobody
"""

import tomllib
from typing import Any

from gateway.contract.client_id import is_registered_name
from gateway.contract.limits import MAX_QUOTA, Limits, LimitSyntaxError, parse_limits
from gateway.contract.policy_table import NOT_FOR_PLANS
from gateway.contract.routes import Route, is_method
from gateway.paths import is_plain

_FIELDS = {"name", "path", "methods", "limit", "cost", "shadow"}


class RoutesFileError(ValueError):
    """A routes file that cannot be used; the message names the entry."""


def parse_routes(text: str) -> tuple[Route, ...]:
    """Read a routes file; the order is kept, since the first route that takes a request is its own.

    Raises:
        RoutesFileError: with the entry that is wrong and what would be right.
    """
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib lets int()'s refusal of a long number through
        raise RoutesFileError(f"not TOML: {error}") from None
    entries = document.get("routes", [])
    if document.keys() - {"routes"} or not isinstance(entries, list):
        raise RoutesFileError("routes are written as [[routes]] entries, and nothing else is known")
    routes: dict[str, Route] = {}
    for position, entry in enumerate(entries, 1):
        route = _route(position, entry)
        if route.name in routes:
            raise RoutesFileError(f"route {route.name!r} is there twice")
        routes[route.name] = route
    return tuple(routes.values())


def _route(position: int, entry: Any) -> Route:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not is_registered_name(name):
        raise RoutesFileError(f"route {position}: needs a name of letters, digits and ._@- (64 at most)")
    place = f"route {name!r}"
    if name in NOT_FOR_PLANS:
        raise RoutesFileError(f"{place}: other policies are called so; rename it")
    if unknown := entry.keys() - _FIELDS:
        raise RoutesFileError(f"{place}: unknown field {min(unknown)!r}")
    if "limit" not in entry and "cost" not in entry:
        raise RoutesFileError(f"{place}: has neither a limit nor a cost, so it would change nothing")
    return Route(
        name,
        _path(place, entry.get("path")),
        _methods(place, entry["methods"]) if "methods" in entry else (),
        None if "limit" not in entry else _limit(place, entry["limit"]),
        _cost(place, entry.get("cost", 1)),
        _shadow(place, entry.get("shadow", False)),
    )


def _path(place: str, value: Any) -> str:
    if not isinstance(value, str) or not is_plain(value.encode(errors="replace")):
        raise RoutesFileError(
            f'{place}: needs a path, as in "/api": without escapes, query, parameters, dot segments'
        )
    if value.endswith("/*"):
        raise RoutesFileError(f"{place}: write the path without a star: it is for all below in any case")
    if value != "/" and value.endswith("/"):
        raise RoutesFileError(f"{place}: write the path without a slash at its end: it is for all below")
    return value


def _methods(place: str, value: Any) -> tuple[str, ...]:
    methods = tuple(value) if isinstance(value, list) else ()
    if not methods or not all(isinstance(one, str) and is_method(one) for one in methods):
        raise RoutesFileError(f'{place}: methods are a list, as in ["GET", "POST"]')
    return methods


def _limit(place: str, value: Any) -> Limits:
    if not isinstance(value, str):
        raise RoutesFileError(f'{place}: a limit is a text, as in "100/m"')
    try:
        return parse_limits(value)
    except LimitSyntaxError as error:
        raise RoutesFileError(f"{place}: {error}") from None


def _cost(place: str, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MAX_QUOTA:
        raise RoutesFileError(f"{place}: a cost is a whole number from 1 on")
    return value


def _shadow(place: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise RoutesFileError(f"{place}: shadow is true or false")
    return value
