"""Connections to the master whom sentinels name, each of which can be left while somebody uses it."""

from itertools import chain
from typing import Any

from redis.asyncio.sentinel import (
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

from gateway.sentinels import Sentinels


class _Connection(SentinelManagedConnection):
    def abort(self) -> None:
        """Whoever uses it meets what he would if the server had gone."""
        if self._writer is not None:
            self._writer.transport.abort()


class _TlsConnection(_Connection, SentinelManagedSSLConnection):
    pass


class MasterPool(SentinelConnectionPool):
    """redis-py's, of which one task may break off what another one uses.

    Its own `disconnect` is no way to: by TLS it waits for the good-bye of a server that may hang, and whoever
    is in the midst of a handshake then writes to None.
    """

    def __init__(self, service_name: str, sentinels: Sentinels, **options: Any) -> None:
        options["connection_class"] = _TlsConnection if options.pop("ssl", False) else _Connection
        super().__init__(service_name, sentinels, **options)  # type: ignore[no-untyped-call] # redis-py's own

    async def get_master_address(self) -> tuple[str, int]:
        """Whom the sentinels name now, as host and port; connections to others are broken off.

        Raises:
            MasterNotFoundError: they name nobody.
        """
        master: tuple[str, int] = await self.sentinel_manager.discover_master(self.service_name)
        self.master_address = master
        self.keep_to(master)
        return master

    def keep_to(self, master: tuple[str, int]) -> None:
        """Break off all connections to others, idle or in use."""
        for connection in chain(self._available_connections, self._in_use_connections):
            if isinstance(connection, _Connection) and (connection.host, connection.port) != master:
                connection.abort()
