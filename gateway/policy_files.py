"""The clients file and the routes file, read at the start."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.contract.clients import Clients, ClientsFileError, parse_clients
from gateway.contract.routes import Route
from gateway.errors import StartError
from gateway.routes_file import RoutesFileError, parse_routes

Content = TypeVar("Content")


def read_clients(path: Path | None) -> Clients:
    """The registered clients; none where no file is named.

    Raises:
        StartError: the file cannot be read or used.
    """
    return Clients() if path is None else _read("GATEWAY_CLIENTS_FILE", path, parse_clients)


def read_routes(path: Path | None) -> tuple[Route, ...]:
    """The routes; none where no file is named.

    Raises:
        StartError: the file cannot be read or used.
    """
    return () if path is None else _read("GATEWAY_ROUTES_FILE", path, parse_routes)


def _read(variable: str, path: Path, parse: Callable[[str], Content]) -> Content:
    try:
        return parse(path.read_text())
    except OSError as error:
        raise StartError(f"{variable}={path}: {error.strerror}", 2) from None
    except (ClientsFileError, RoutesFileError, UnicodeDecodeError) as error:
        raise StartError(f"{path}: {error}", 2) from None
