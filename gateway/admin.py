"""The admin listener: health, readiness, metrics, and the record that the node publishes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.certificate_files import CertificateFiles
from gateway.contract.codec import encode
from gateway.contract.telemetry import Reloads
from gateway.log_writer import LogWriter
from gateway.telemetry.counters import Counters
from gateway.telemetry.exposition import CONTENT_TYPE, exposition
from gateway.telemetry.metrics import Scrape
from gateway.telemetry.recorder import Recorder


@dataclass(frozen=True, slots=True)
class AdminSources:
    """Where the admin listener's answers come from."""

    counters: Counters
    recorder: Recorder
    is_draining: Callable[[], bool]
    store_connected: Callable[[], bool]
    reloads: Callable[[], Reloads]
    log: LogWriter | None
    certificate: CertificateFiles | None


SOURCES = web.AppKey("sources", AdminSources)


def admin_application(sources: AdminSources) -> web.Application:
    """The listener's application."""
    application = web.Application()
    application[SOURCES] = sources
    application.router.add_get("/healthz", _health)
    application.router.add_get("/readyz", _readiness)
    application.router.add_get("/metrics", _metrics)
    application.router.add_get("/state", _state)
    return application


async def _health(request: web.Request) -> web.Response:
    """The process lives and its event loop turns."""
    del request
    return web.Response(text="ok\n")


async def _readiness(request: web.Request) -> web.Response:
    """It would serve a request: also without Redis, by policy, but not while it drains."""
    if request.app[SOURCES].is_draining():
        return web.Response(status=503, text="draining\n")
    return web.Response(text="ready\n")


async def _metrics(request: web.Request) -> web.Response:
    sources = request.app[SOURCES]
    scrape = Scrape(
        sources.counters,
        store_connected=sources.store_connected(),
        reloads=sources.reloads(),
        tasks=len(asyncio.all_tasks()),
        lost_log_lines=sources.log.lost if sources.log is not None else 0,
        certificate_days=sources.certificate.days_left() if sources.certificate is not None else None,
    )
    return web.Response(text=exposition(scrape), headers={"Content-Type": CONTENT_TYPE})


async def _state(request: web.Request) -> web.Response:
    """The roster entry with a fresh record, as `gateway.contract.roster.RosterEntry` describes it."""
    return web.Response(text=encode(request.app[SOURCES].recorder.entry()), content_type="application/json")
