"""nginx with three limiters: Lua that drives our kind of pipeline, Lua that calls a script, and its own."""

import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from string import Template

from redis.asyncio import Redis

from loadtest.bench.peers.peer import WINDOW_SECONDS, Peer, Place, Running, serving
from loadtest.child import start
from loadtest.ports import free_port

_HERE = Path(__file__).parent
_LUA_MODULES = ("ndk_http_module.so", "ngx_http_lua_module.so")
_CLIENTS = (Path("/usr/share/lua/5.1/nginx/redis.lua"), Path("/usr/share/lua/5.1/resty/redis.lua"))
_INSTALL = "apt-get install nginx"
_INSTALL_LUA = f"{_INSTALL} libnginx-mod-http-lua lua-nginx-redis"

_LUA_START = """
    lua_package_path "$here/?.lua;/usr/share/lua/5.1/?.lua;;";
    lua_socket_log_errors off;
"""
_OWN_START = """
    limit_req_zone $$http_x_api_key zone=keys:64m rate=$rate;
    limit_req_status 429;
"""
_LUA_LIMIT = 'access_by_lua_block { require("$module")($arguments) }'
_OWN_LIMIT = "limit_req zone=keys burst=$burst nodelay;"


def _binary() -> str | None:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")


def _build() -> str:
    """What `nginx -V` says."""
    return subprocess.run([_binary() or "nginx", "-V"], capture_output=True, text=True, check=False).stderr


def _version() -> str:
    found = re.search(r"nginx/([\d.]+)", _build())
    return f"nginx {found[1] if found else '?'}"


def _lua_modules() -> list[Path]:
    """The files to load; none where Lua is built in."""
    build = _build()
    if "lua-nginx-module" in build or "ngx_lua" in build:
        return []
    found = re.search(r"--modules-path=(\S+)", build)
    return [Path(found[1] if found else "/usr/lib/nginx/modules") / name for name in _LUA_MODULES]


def _missing() -> str | None:
    return None if _binary() else _INSTALL


def _missing_lua() -> str | None:
    """OpenResty has all that it takes; Debian's nginx has it in packages of its own."""
    if _missing():
        return _INSTALL_LUA
    modules = _lua_modules()
    is_there = all(module.exists() for module in modules) and any(client.exists() for client in _CLIENTS)
    return None if is_there or not modules else _INSTALL_LUA


@asynccontextmanager
async def _running(
    place: Place, *, start_of_http: str, limit: str, modules: list[Path]
) -> AsyncIterator[Running]:
    port = free_port()
    text = Template((_HERE / "nginx.conf").read_text()).substitute(
        modules="\n".join(f"load_module {module};" for module in modules),
        user="user root;" if os.geteuid() == 0 else "",
        folder=place.folder,
        start_of_http=start_of_http,
        limit=limit,
        port=port,
        upstream_port=place.upstream_port,
    )
    file = place.folder / "nginx.conf"
    file.write_text(text)
    child = start(
        str(_binary()),
        *("-p", str(place.folder), "-c", str(file), "-e", "stderr"),
        name="nginx",
        environment=place.environment,
        folder=place.folder,
        working_folder=place.folder,
    )
    async with serving(child, port) as running:
        yield running


@asynccontextmanager
async def _with_lua(place: Place, module: str, arguments: str) -> AsyncIterator[Running]:
    begin = Template(_LUA_START).substitute(here=_HERE)
    limit = Template(_LUA_LIMIT).substitute(module=module, arguments=arguments)
    async with _running(place, start_of_http=begin, limit=limit, modules=_lua_modules()) as running:
        yield running


@asynccontextmanager
async def _with_pipeline(place: Place) -> AsyncIterator[Running]:
    arguments = f"{place.redis_port}, {place.limit}, {WINDOW_SECONDS}"
    async with _with_lua(place, "pipeline", arguments) as running:
        yield running


@asynccontextmanager
async def _with_script(place: Place) -> AsyncIterator[Running]:
    async with Redis.from_url(place.redis_url, decode_responses=True) as redis:
        digest = await redis.script_load((_HERE / "sliding_window_counter.lua").read_text())
    arguments = f'{place.redis_port}, {place.limit}, {WINDOW_SECONDS}, "{digest}"'
    async with _with_lua(place, "script", arguments) as running:
        yield running


@asynccontextmanager
async def _with_its_own(place: Place) -> AsyncIterator[Running]:
    """A leaky bucket that holds the limit, and hardly empties while a small one is measured."""
    per_second = place.limit // WINDOW_SECONDS
    begin = Template(_OWN_START).substitute(rate=f"{per_second}r/s" if per_second else "1r/m")
    limit = Template(_OWN_LIMIT).substitute(burst=min(place.limit - 1, 1_000_000))
    async with _running(place, start_of_http=begin, limit=limit, modules=[]) as running:
        yield running


PIPELINE = Peer(
    "nginx-pipeline",
    "nginx, Lua, pipeline to Redis",
    version=_version,
    missing=_missing_lua,
    running=_with_pipeline,
    window=lambda key: f"nginx:{key}",
)
SCRIPT = Peer(
    "nginx-script",
    "nginx, Lua, script in Redis",
    version=_version,
    missing=_missing_lua,
    running=_with_script,
)
LIMIT_REQ = Peer(
    "nginx-limit_req", "nginx, limit_req, no Redis", version=_version, missing=_missing, running=_with_its_own
)
