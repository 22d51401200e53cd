"""The admin listener: health, readiness, metrics, the record that is published, and the last refusals."""

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.contract.codec import encode
from gateway.contract.refusal import KEPT, Refusal
from gateway.telemetry.exposition import CONTENT_TYPE, exposition
from gateway.telemetry.metrics import Scrape
from gateway.telemetry.recorder import Recorder


@dataclass(frozen=True, slots=True)
class AdminSources:
    """Where the admin listener's answers come from; a node that is ready has no reason why not."""

    recorder: Recorder
    why_not_ready: Callable[[], str]
    scrape: Callable[[], Scrape]
    refusal: Callable[[str], Refusal | None]


SOURCES = web.AppKey("sources", AdminSources)


def admin_application(sources: AdminSources) -> web.Application:
    """The listener's application."""
    application = web.Application()
    application[SOURCES] = sources
    application.router.add_get("/healthz", _health)
    application.router.add_get("/readyz", _readiness)
    application.router.add_get("/metrics", _metrics)
    application.router.add_get("/state", _state)
    application.router.add_get("/refusals/{request_id:.+}", _refusal)
    return application


async def _health(request: web.Request) -> web.Response:
    """The process lives and its event loop turns."""
    del request
    return web.Response(text="ok\n")


async def _readiness(request: web.Request) -> web.Response:
    """It would serve a request: also without Redis, by policy, but not while it drains."""
    reason = request.app[SOURCES].why_not_ready()
    if reason:
        return web.Response(status=503, text=reason + "\n")
    return web.Response(text="ready\n")


async def _metrics(request: web.Request) -> web.Response:
    text = exposition(request.app[SOURCES].scrape())
    return web.Response(text=text, headers={"Content-Type": CONTENT_TYPE})


async def _state(request: web.Request) -> web.Response:
    """The roster entry with a fresh record, as `gateway.contract.roster.RosterEntry` describes it."""
    return web.Response(text=encode(request.app[SOURCES].recorder.entry()), content_type="application/json")


async def _refusal(request: web.Request) -> web.Response:
    """One of the last requests that were refused, by its id, as `gateway.contract.refusal` describes it."""
    found = request.app[SOURCES].refusal(request.match_info["request_id"])
    if found is None:
        return web.Response(status=404, text=f"not among the last {KEPT:,} requests that were refused here\n")
    return web.Response(text=encode(found), content_type="application/json")
