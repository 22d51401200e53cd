"""Policies from the settings, with the clients file and the routes file that they name."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.admission import Policies
from gateway.contract.client_id import DEFAULT_SECRET
from gateway.contract.clients import Clients, ClientsFileError, parse_clients
from gateway.contract.policy_table import PolicyTable, Terms
from gateway.contract.routes import DEFAULT_UPSTREAM, Route
from gateway.errors import StartError
from gateway.identity import Identity
from gateway.policy.resolve import LimitTable
from gateway.policy.routing import Routing, check_costs
from gateway.routes_file import RoutesFile, RoutesFileError, parse_routes
from gateway.settings import Settings

Content = TypeVar("Content")


def read_policies(settings: Settings) -> Policies:
    """What is to be enforced, as the files stand now.

    Raises:
        StartError: a file cannot be read or used, a list names nobody, or a cost is above a limit.
    """
    clients = _read("GATEWAY_CLIENTS_FILE", settings.clients_file, parse_clients) or Clients()
    file = _read("GATEWAY_ROUTES_FILE", settings.routes_file, parse_routes) or RoutesFile()
    table = _table(settings, clients, file.routes)
    for variable, listed in (("GATEWAY_ALLOW", settings.allow), ("GATEWAY_DENY", settings.deny)):
        try:
            listed.check_known(clients.by_name, accepts_unknown=settings.accepts_unknown_keys)
        except ValueError as error:
            raise StartError(f"{variable}: {error}", 2) from None
    secret = settings.identity_secret
    identity = Identity(
        clients,
        accepts_unknown=settings.accepts_unknown_keys,
        secret=DEFAULT_SECRET if secret is None else secret.get_secret_value(),
        accepts_anonymous=settings.accepts_anonymous,
        key_header=settings.key_header,
    )
    return Policies(
        table,
        identity,
        LimitTable(table),
        Routing(table),
        settings.exempt,
        settings.allow,
        settings.deny,
        {DEFAULT_UPSTREAM: settings.upstream_urls, **file.upstreams},
    )


def _table(settings: Settings, clients: Clients, routes: tuple[Route, ...]) -> PolicyTable:
    plans = clients.plans
    table = PolicyTable(
        default=settings.default_limit,
        unknown_keys="accept" if settings.accepts_unknown_keys else "reject",
        on_store_failure=settings.on_store_failure,
        plans={name: plan.limit for name, plan in plans.items()},
        clients=dict(clients.by_name),
        plan_terms={name: plan.terms for name, plan in plans.items() if plan.terms != Terms()},
        default_concurrency=settings.default_concurrency,
        shadow=settings.shadow,
        address_limit=settings.address_limit,
        routes=routes,
        exempt=settings.exempt.entries,
        allow=settings.allow.entries,
        deny=settings.deny.entries,
        anonymous=settings.anonymous,
    )
    try:
        check_costs(table)
    except ValueError as error:
        raise StartError(f"{settings.routes_file}: {error}", 2) from None
    return table


def _read(variable: str, path: Path | None, parse: Callable[[str], Content]) -> Content | None:
    """What a file says; None where none is named."""
    if path is None:
        return None
    try:
        if path.is_fifo():  # it would be waited for, and nobody could stop that
            raise StartError(f"{variable}={path}: a pipe, not a file", 2)
        return parse(path.read_text())
    except OSError as error:
        raise StartError(f"{variable}={path}: {error.strerror}", 2) from None
    except (ClientsFileError, RoutesFileError, UnicodeDecodeError) as error:
        raise StartError(f"{path}: {error}", 2) from None
