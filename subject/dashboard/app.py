"""The dashboard's application: the page, its live events, the last hour, and the changes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from subject.dashboard import changes, static_files
from subject.dashboard.guard import HEADERS, Asked, Refused, refusal
from subject.dashboard.static_files import StaticFile
from subject.dashboard.watcher import Watcher
from subject.errors import ConflictError, HalfDoneError, NoNodesError, RedisAwayError, RedisRefusesError
from subject.output.exposition import CONTENT_TYPE
from subject.settings import Settings

MOST_WATCHING = 100
SEND_SECONDS = 10.0
"""How long one who watches may take for a frame."""
LONGEST_FORM_BYTES = 8192

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Rights:
    """The names that lead here, and the token that a change needs; None: nothing can be changed."""

    names: frozenset[str]
    token: str | None


SETTINGS = web.AppKey("settings", Settings)
WATCHER = web.AppKey("watcher", Watcher)
RIGHTS = web.AppKey("rights", Rights)
FILES = web.AppKey("files", dict[str, StaticFile])


def application(settings: Settings) -> web.Application:
    """All of it; it looks at the cluster while it runs."""
    app = web.Application(middlewares=[_guarded], client_max_size=LONGEST_FORM_BYTES)
    app[RIGHTS] = Rights(settings.dashboard_names, settings.dashboard_token)
    app[SETTINGS] = settings
    app[WATCHER] = Watcher(settings)
    app[FILES] = static_files.load()
    app.cleanup_ctx.append(_watching)
    app.on_response_prepare.append(_add_fields)
    app.on_shutdown.append(_let_go)
    for path in app[FILES]:
        app.router.add_get(path, _file)
    app.router.add_get("/events", _events, allow_head=False)
    app.router.add_get("/history", _history)
    app.router.add_get("/metrics", _metrics)
    for change in changes.FORMS:
        app.router.add_post(f"/changes/{change}", _change)
    return app


async def _watching(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(app[WATCHER].run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await app[WATCHER].aclose()


async def _let_go(app: web.Application) -> None:
    """Whoever watches would be waited for."""
    await app[WATCHER].let_go()


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    rights = request.app[RIGHTS]
    refused = refusal(_asked(request), rights.names, rights.token)
    if refused is not None:
        return _refused(refused)
    try:
        return await handler(request)
    except web.HTTPException as error:  # aiohttp's own: of another path or method, or of too long a form
        error.text, error.content_type = json.dumps({"problem": error.text}), "application/json"
        raise


def _asked(request: web.Request) -> Asked:
    fields = request.headers
    return Asked(
        method=request.method,
        path=request.path,
        hosts=tuple(fields.getall("Host", ())),
        origin=fields.get("Origin"),
        site=fields.get("Sec-Fetch-Site"),
        mode=fields.get("Sec-Fetch-Mode"),
        content_type=fields.get("Content-Type"),
        authorization=fields.get("Authorization"),
    )


def _refused(refused: Refused) -> web.Response:
    fields = {"WWW-Authenticate": "Bearer"} if refused.status == 401 else {}
    return web.json_response({"problem": refused.reason}, status=refused.status, headers=fields)


async def _add_fields(request: web.Request, response: web.StreamResponse) -> None:
    del request
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")


async def _file(request: web.Request) -> web.Response:
    file = request.app[FILES][request.path]
    fields = {"ETag": f'"{file.tag}"', "Cache-Control": "no-cache"}
    if fields["ETag"] in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=fields)
    return web.Response(body=file.body, content_type=file.content_type, charset="utf-8", headers=fields)


async def _events(request: web.Request) -> web.StreamResponse:
    """A frame after each look, until either side leaves."""
    watcher = request.app[WATCHER]
    if watcher.watching >= MOST_WATCHING:
        return _refused(Refused(503, f"{MOST_WATCHING} watch already"))
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
    number, until = 0, None
    with watcher.watched():
        try:
            await response.prepare(request)
            await response.write(_hello(request.app[RIGHTS]))
            while (frame := await watcher.newer(number)) is not None:
                event = await asyncio.to_thread(frame.event, until)
                async with asyncio.timeout(SEND_SECONDS):
                    await response.write(event)
                number, until = frame.number, frame.until
        except ConnectionError:
            pass  # who watched has gone
        except TimeoutError:
            _abort(request)  # who watched stands still: the end of the answer would not be taken either
    return response


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _hello(rights: Rights) -> bytes:
    """When to come again after a break, and whether there is a token."""
    return (
        f"retry: 1000\nevent: hello\ndata: {json.dumps({'writable': rights.token is not None})}\n\n".encode()
    )


async def _history(request: web.Request) -> web.Response:
    response = web.Response(text=await request.app[WATCHER].hour(), content_type="application/json")
    response.enable_compression()
    return response


async def _metrics(request: web.Request) -> web.Response:
    """For Prometheus: the last look, which is no older than the pause between two."""
    text = request.app[WATCHER].metrics
    if text is None:
        return _refused(Refused(503, "there has been no look yet, or the last one failed"))
    return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})


async def _body(request: web.Request) -> Any:
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError, ConnectionError, web.RequestPayloadError):
        return None


async def _change(request: web.Request) -> web.Response:
    name = request.path.rpartition("/")[2]
    change, _ = changes.FORMS[name]
    try:
        form = changes.form_of(name, await _body(request))
        done = await change(request.app[WATCHER].redis, form, request.app[SETTINGS])
    except (ConflictError, NoNodesError) as error:
        return _refused(Refused(409, str(error)))
    except (HalfDoneError, RedisRefusesError) as error:
        return _refused(Refused(503, str(error)))
    except RedisAwayError as error:
        return _refused(Refused(503, f"{error}: try again when it does"))
    except ValueError as error:
        return _refused(Refused(400, str(error)))
    request.app[WATCHER].look_soon()
    return web.json_response({"done": done})
