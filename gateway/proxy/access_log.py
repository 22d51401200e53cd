"""One line for each request of a sample, and for each that failed."""

import logging
from dataclasses import dataclass
from http import HTTPStatus
from zlib import crc32

from gateway.log_lines import Event
from gateway.logs import ACCESS
from gateway.request_context import RequestContext
from gateway.telemetry.counters import Outcome

MAX_PATH_LENGTH = 1024

_SAMPLES = 2**32
_SERVER_ERRORS = 500

logger = logging.getLogger(ACCESS)


@dataclass(frozen=True, slots=True)
class Access(Event):
    """What became of a request. Whose it was, and its id, the line says anyway."""

    address: str  # the client's; behind proxies that are not trusted, the last one's
    method: str  # empty where it cannot be told, as the path
    path: str  # without the query, which may hold secrets; cut at `MAX_PATH_LENGTH`
    status: int  # 0: there was no answer
    outcome: str  # empty where the client left before it was decided
    bytes_in: int  # of the body as it came
    bytes_out: int  # of the whole answer
    seconds: float
    upstream_seconds: float | None  # until the head of the upstream's answer
    store_seconds: float | None  # until it was admitted or refused

    def __str__(self) -> str:
        times = {"total": self.seconds, "upstream": self.upstream_seconds, "store": self.store_seconds}
        told = " ".join([f"{name}={value:.6f}" for name, value in times.items() if value is not None])
        return (
            f"{self.address} {self.method or '-'} {self.path or '-'} {self.status} {self.outcome or '-'} "
            f"in={self.bytes_in} out={self.bytes_out} {told}"
        )

    def fields(self) -> dict[str, object]:
        """All of it, times in whole microseconds."""
        return {
            "address": self.address,
            "method": self.method,
            "path": self.path,
            "status": self.status,
            "outcome": self.outcome,
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "seconds": round(self.seconds, 6),
            "upstream_seconds": _rounded(self.upstream_seconds),
            "store_seconds": _rounded(self.store_seconds),
        }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)


def path_of(target: bytes) -> str:
    """What of a request's target may be logged."""
    path = target.partition(b"?")[0].decode("ascii", "backslashreplace")
    return path if len(path) <= MAX_PATH_LENGTH else path[:MAX_PATH_LENGTH] + "…"


class AccessLog:
    """Logs a share of all requests, chosen by their ids: every node and hop that does so chooses the same."""

    def __init__(self, share: float) -> None:
        """`share` is from 0 (none, and failed ones neither) to 1 (all)."""
        self.is_on = share > 0
        """Whether any is logged."""
        self._below = round(share * _SAMPLES)

    def takes(self, request_id: str, *, failed: bool) -> bool:
        """Whether a request is logged: CRC-32 of its id, as a share of 2**32, is below the share."""
        return self.is_on and (failed or crc32(request_id.encode()) < self._below)

    def tell(
        self,
        context: RequestContext,
        *,
        address: str,
        method: str,
        target: bytes,
        bytes_in: int,
        bytes_out: int,
        seconds: float,
    ) -> None:
        """Log the request of this context, which is over, if it is one of those that are."""
        if not self.takes(context.request_id, failed=_has_failed(context)):
            return
        logger.info(
            Access(
                address=address,
                method=method,
                path=path_of(target),
                status=context.status,
                outcome=context.outcome,
                bytes_in=bytes_in,
                bytes_out=bytes_out,
                seconds=seconds,
                upstream_seconds=context.upstream_seconds,
                store_seconds=context.store_seconds,
            )
        )


def _has_failed(context: RequestContext) -> bool:
    """Whether somebody should know: not what a client can bring about, by the thousand and for nothing."""
    is_our_answer = context.upstream_seconds is None
    is_their_doing = 400 <= context.status < _SERVER_ERRORS or context.status == HTTPStatus.LOOP_DETECTED
    if context.outcome == Outcome.MALFORMED or (is_our_answer and is_their_doing):
        return False
    return context.outcome == Outcome.FAILED or context.status >= _SERVER_ERRORS
