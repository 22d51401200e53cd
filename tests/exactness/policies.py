"""Registered clients for a run: one each for a limit and what it is to show."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gateway.contract.limits import Limit, parse_limits


@dataclass(frozen=True, slots=True)
class Client:
    """A client and its limit; its key is its name."""

    name: str
    limit: str  # as an operator writes it

    @property
    def windows(self) -> tuple[Limit, ...]:
        """What its limit asks for, one or several."""
        return parse_limits(self.limit).windows

    @property
    def per_second(self) -> float:
        """The rate that its limit allows for long."""
        return min(limit.quota / limit.period_seconds for limit in self.windows)


def write_clients(clients: Iterable[Client], path: Path) -> None:
    """The file that GATEWAY_CLIENTS_FILE names."""
    path.write_text(
        "\n".join(f'[[clients]]\nname = "{c.name}"\nlimit = "{c.limit}"\nkey = "{c.name}"' for c in clients)
    )
