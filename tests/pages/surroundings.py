"""What is around a reader: a clone, and where what the pages name is on this machine."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from loadtest.child import Child, StartError, start_module
from loadtest.plan import own_environment
from loadtest.ports import free_port
from tests.pages.reading import Places
from tests.pages.terminal import wait
from tests.project import ROOT

PORTS = {
    "redis": 6379,
    "another redis": 6390,
    "nginx": 8443,
    "the service": 8000,
    "node-1": 8080,
    "node-2": 8081,
    "node-3": 8082,
    "node-1's admin listener": 9080,
    "node-2's admin listener": 9081,
    "node-3's admin listener": 9082,
    "the dashboard": 9180,
}
"""Each of these numbers in a page, where it stands by itself, is another one here."""
PATIENT = {"GATEWAY_STORE_DEADLINE": "5"}
"""For a machine that may have other work."""
START_SECONDS = 60.0
CLIENTS = """
[plans]
gold = "100/m"

[[clients]]
name = "acme"
plan = "gold"
key = "acmes-key"

[[clients]]
name = "me"
key = "me"
"""
"""Whom pages speak of."""
NGINX = """
pid {folder}/nginx.pid;
error_log stderr notice;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/conf.d/*.conf;
}}
"""
"""What a distribution's file does, without a folder of the system."""
FOLDERS = ("/opt/operator-ratelimiter", "/etc/ratelimiter", "/etc/systemd/system", "/etc/nginx")
"""Each of these in a page is a folder of the test's, the first one its clone."""


@dataclass(slots=True)
class Surroundings:
    """Of one reader. The clone has the working tree's files, and the virtual environment that runs."""

    clone: Path
    places: Places
    environment: dict[str, str]

    def activate(self) -> None:
        """What a reader has done who comes from the tutorial."""
        self.environment["PATH"] = f"{self.clone / '.venv/bin'}:{self.environment['PATH']}"

    def join(self, cluster: "Cluster") -> None:
        """Have the page's addresses lead to this one, as they do for a reader of whose cluster it speaks."""
        self.places = Places({**self.places.ports, **cluster.ports}, self.places.folders)
        self.environment["REDIS_URL"] = f"redis://127.0.0.1:{cluster.ports[6379]}/0"

    def have(self, redis_port: int, service_port: int) -> None:
        """A Redis and a service for nodes that the page starts."""
        there = {PORTS["redis"]: redis_port, PORTS["the service"]: service_port}
        self.places = Places({**self.places.ports, **there}, self.places.folders)
        self.environment["REDIS_URL"] = f"redis://127.0.0.1:{redis_port}/0"

    def register_clients(self) -> None:
        """Nodes that the page starts know those of whom it speaks."""
        (self.clone / "clients.toml").write_text(CLIENTS)
        self.environment["GATEWAY_CLIENTS_FILE"] = "clients.toml"

    @classmethod
    @contextmanager
    def made(cls, folder: Path) -> Iterator["Surroundings"]:
        clone = folder / "home" / "operator-ratelimiter"
        clone.mkdir(parents=True)
        for path in ROOT.iterdir():
            if path.name not in {".venv", ".git"}:
                (clone / path.name).symlink_to(path)
        (clone / ".venv").symlink_to(sys.prefix)
        system = folder / "system"
        folders = {path: clone if n == 0 else system / path[1:] for n, path in enumerate(FOLDERS)}
        (folder / "terminals").mkdir()
        for name in ("etc/ratelimiter/secrets", "etc/systemd/system", "etc/nginx/conf.d"):
            (system / name).mkdir(parents=True)
        (system / "etc/nginx/nginx.conf").write_text(NGINX.format(folder=system / "etc/nginx"))
        ports = {number: free_port() for number in PORTS.values()}
        yield cls(clone, Places(ports, folders), _environment(ports))


def _environment(ports: dict[int, int]) -> dict[str, str]:
    """Ours, and where the defaults of the programs are on this machine."""
    bare = {name: value for name, value in own_environment().items() if not name.startswith("BASH_FUNC_")}
    return bare | {
        "GATEWAY_PORT": str(ports[8080]),
        "GATEWAY_ADMIN_PORT": str(ports[9080]),
        "SUBJECT_PORT": str(ports[9180]),
        **PATIENT,
    }


@dataclass(frozen=True, slots=True)
class Cluster:
    """Three nodes, Redis and a service, of which pages say that they run."""

    ports: dict[int, int]

    @classmethod
    @contextmanager
    def running(cls) -> Iterator["Cluster"]:
        """Stopped when the context is left, without a trace."""
        with TemporaryDirectory(prefix="ratelimiter-pages-") as name:
            folder = Path(name)
            (folder / "clients.toml").write_text(CLIENTS)
            child = start_module(
                "loadtest",
                *("up", "--json"),
                name="up",
                environment=own_environment() | PATIENT | {"GATEWAY_CLIENTS_FILE": "clients.toml"},
                folder=folder,
                working_folder=folder,
            )
            try:
                yield cls(_ports(child))
            finally:
                child.stop_and_wait(START_SECONDS)


def _ports(up: Child) -> dict[int, int]:
    """Where it is what pages look for at these numbers.

    Raises:
        StartError: it is not there in time.
    """
    end = time.monotonic() + START_SECONDS
    while not (line := up.stdout.read_text()).endswith("\n"):
        if up.has_ended() or not wait(end):
            raise StartError(f"the cluster did not start: {up.last_words()}")
    told = json.loads(line)
    urls = {PORTS["redis"]: told["redis_url"], PORTS["the service"]: told["upstream_url"]}
    for node in told["nodes"]:
        urls |= {PORTS[node["id"]]: node["url"], PORTS[f"{node['id']}'s admin listener"]: node["admin_url"]}
    return {number: urlsplit(url).port or 0 for number, url in urls.items()}
