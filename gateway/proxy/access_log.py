"""The access log: one line for each request of a sample, and for each that failed."""

import logging
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from zlib import crc32

from gateway.log_lines import Event
from gateway.logs import ACCESS
from gateway.telemetry.counters import Outcome

if TYPE_CHECKING:
    from gateway.proxy.transaction import Transaction

MAX_PATH_LENGTH = 1024

_SAMPLES = 2**32
_SERVER_ERRORS = 500

logger = logging.getLogger(ACCESS)


@dataclass(frozen=True, slots=True)
class AccessLogEntry(Event):
    """One request that has ended. Its id and client id are in every log line."""

    address: str
    """The client's, resolved behind trusted proxies."""
    method: str
    """Empty where it could not be parsed, as `path`."""
    path: str
    """Without the query, which may hold secrets; at most `MAX_PATH_LENGTH` characters."""
    status: int
    """0 without a response."""
    outcome: str
    """Empty where the client left before the decision."""
    bytes_in: int
    """Of the content, as received."""
    bytes_out: int
    """Of the whole response."""
    seconds: float
    upstream_seconds: float | None
    """Until the head of the upstream's response."""
    store_seconds: float | None
    """Until the decision."""

    def __str__(self) -> str:
        times = {"total": self.seconds, "upstream": self.upstream_seconds, "store": self.store_seconds}
        durations = " ".join([f"{name}={value:.6f}" for name, value in times.items() if value is not None])
        return (
            f"{self.address} {self.method or '-'} {self.path or '-'} {self.status} {self.outcome or '-'} "
            f"in={self.bytes_in} out={self.bytes_out} {durations}"
        )

    def fields(self) -> dict[str, object]:
        """All of them, times in whole microseconds."""
        return {
            name: round(value, 6) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


def path_of(target: bytes) -> str:
    """The path of a target, shortened, for the log."""
    path = target.partition(b"?")[0].decode("ascii", "backslashreplace")
    return path if len(path) <= MAX_PATH_LENGTH else path[:MAX_PATH_LENGTH] + "…"


class AccessLog:
    """Logs a share of all requests, chosen by their ids, so that all nodes and hops choose the same."""

    def __init__(self, share: float) -> None:
        """`share` is from 0 (no request, not even a failed one) to 1 (all)."""
        self.is_on = share > 0
        """Whether any request is logged."""
        self._below = round(share * _SAMPLES)

    def takes(self, request_id: str, *, failed: bool) -> bool:
        """Whether a request is logged: CRC-32 of its id, as a share of 2**32, is below the share."""
        return self.is_on and (failed or crc32(request_id.encode()) < self._below)

    def log(self, transaction: "Transaction", seconds: float) -> None:
        """Log a transaction that has ended after `seconds`, if its id or a failure selects it."""
        if not self.takes(transaction.request_id, failed=_has_failed(transaction)):
            return
        request = transaction.request
        entry = AccessLogEntry(
            address=request.address,
            method=request.method,
            path=path_of(request.target),
            status=transaction.status,
            outcome=transaction.outcome,
            bytes_in=transaction.bytes_in + request.simple_body_bytes,
            bytes_out=transaction.bytes_out if transaction.status else 0,
            seconds=seconds,
            upstream_seconds=transaction.upstream_seconds,
            store_seconds=transaction.store_seconds,
        )
        with transaction.log_context():
            logger.info(entry)


def _has_failed(transaction: "Transaction") -> bool:
    """Whether the gateway or the upstream failed; not what a client can cause at will."""
    status = transaction.status
    is_local = transaction.upstream_seconds is None
    is_clients = 400 <= status < _SERVER_ERRORS or status == HTTPStatus.LOOP_DETECTED
    if transaction.outcome == Outcome.MALFORMED or (is_local and is_clients):
        return False
    return transaction.outcome == Outcome.FAILED or status >= _SERVER_ERRORS
