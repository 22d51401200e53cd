"""The load generator, run as ``python -m locust -f`` this file. Importing locust patches its process: nobody
else imports this module.

From the environment: LOADTEST_NODES, JSON of a list of [id, url]; LOADTEST_LOAD, the file with the load now,
read again whenever it is replaced; LOADTEST_SEED; LOADTEST_MOST, of connections; LOADTEST_REPORT, the file
that the counts go to at the end; LOADTEST_STARTED, one that is there once it sends. LOADTEST_PATH is what is
asked for, and LOADTEST_HEADER the field that holds the key; LOADTEST_HOPS, JSON of the names that nodes have
in Via; with LOADTEST_INSECURE certificates are not checked. With LOADTEST_ANSWERS a line of JSON for each
request that was admitted goes to that file, and without it the path says when the request was sent.
"""

import json
import os
import ssl
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import gevent
from gevent.queue import Empty, Queue
from locust import FastHttpUser, LoadTestShape, events, task
from locust.user.task import LOCUST_STATE_STOPPING

from gateway.contract.client_id import key_digest
from gateway.contract.records import encode
from loadtest import load as loads
from loadtest.connections import Connections
from loadtest.counts import Counted, Counts, Moment, outcome
from loadtest.followed_file import FollowedFile
from loadtest.generator import LONGEST_RUN_SECONDS
from loadtest.trust import trust
from loadtest.upstream_log import line
from loadtest.via import hops

FOLLOW_SECONDS = 0.1
BACKLOG_SECONDS = 1.0
IDLE_SECONDS = 0.2
SPAWN_PER_SECOND = 100
MOMENT_SECONDS = 0.25

NODES: list[list[str]] = json.loads(os.environ["LOADTEST_NODES"])
HOPS = frozenset(json.loads(os.environ["LOADTEST_HOPS"]))
PATH = os.environ["LOADTEST_PATH"]
INSECURE = "LOADTEST_INSECURE" in os.environ
TRUST = trust(is_insecure=INSECURE)
KEY_HEADER = os.environ["LOADTEST_HEADER"]
ANSWERS = os.environ.get("LOADTEST_ANSWERS")

answers: list[str] = []
counts = {node_id: Counter[str]() for node_id, _ in NODES}
moments: dict[str, list[Moment]] = {node_id: [] for node_id, _ in NODES}
queue: "Queue[loads.Request]" = Queue()


class Dispatcher:
    """Puts requests into the queue when they are due, whether or not users are free to send them."""

    def __init__(self, path: Path, seed: int) -> None:
        self.file = FollowedFile(path, loads.Load)
        self.random = Random(seed)
        self.dropped = 0
        self.is_over = False
        self.requests = loads.Requests(loads.IDLE, len(NODES), self.random)

    def follow(self) -> bool:
        """Take up the load in the file if it was replaced, and say whether it was."""
        load = self.file.news()
        if load is not None:
            self.requests = loads.Requests(load, len(NODES), self.random)
            self.is_over = load.is_last
        return load is not None

    def run(self) -> None:
        """Until it is killed."""
        followed = noted = time.monotonic()
        self.follow()
        due = followed + self.requests.gap_seconds()
        Path(os.environ["LOADTEST_STARTED"]).touch()
        while True:
            now = time.monotonic()
            if now - followed >= FOLLOW_SECONDS:
                followed = now
                if self.follow():
                    due = now + self.requests.gap_seconds()
            if ANSWERS and now - noted >= MOMENT_SECONDS:
                noted = now
                note_moment()
            while due <= now:
                self._put()
                due += self.requests.gap_seconds()
            gevent.sleep(max(0.0, min(due, followed + FOLLOW_SECONDS) - now))

    def _put(self) -> None:
        """Queue one; what nobody could send for a second is dropped rather than sent in a heap later."""
        request, load = self.requests.draw(), self.requests.load
        if queue.qsize() > BACKLOG_SECONDS * load.rate_per_second + load.most_at_once:
            self.dropped += 1
        else:
            queue.put(request)


def note_moment() -> None:
    """What has been sent by now."""
    at = time.time()
    for node_id, of_node in counts.items():
        moments[node_id].append(Moment(at, of_node["started"], of_node["answered"]))


dispatcher = Dispatcher(Path(os.environ["LOADTEST_LOAD"]), int(os.environ["LOADTEST_SEED"]))


class Users(LoadTestShape):
    """As many connections as the load takes: locust's page so shows the load itself."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # locust is not typed here
        self.connections = Connections(int(os.environ["LOADTEST_MOST"]))
        self.ends_at = time.monotonic() + LONGEST_RUN_SECONDS

    def tick(self) -> tuple[int, float] | None:
        """Asked each second."""
        if dispatcher.is_over or time.monotonic() > self.ends_at:
            return None
        under_way = sum(of_node["started"] - of_node["answered"] for of_node in counts.values())
        rate = dispatcher.requests.load.rate_per_second
        return self.connections.needed(rate, under_way, queue.qsize(), time.monotonic()), SPAWN_PER_SECOND


def one_for_all(**_: Any) -> ssl.SSLContext:
    """Of all connections; locust would rather have another list than the system's where that is a folder."""
    return TRUST


class Client(FastHttpUser):
    """Sends what is due. Users stand for connections: which client a request is of, its key says."""

    host = "http://every-request-names-its-node.invalid"
    insecure = INSECURE
    ssl_context_factory = staticmethod(one_for_all)
    network_timeout = 10.0
    connection_timeout = 5.0

    @task
    def send(self) -> None:
        """Until it is asked to stop. Between two tasks locust would end it at once, perhaps when the next
        request has begun."""
        while self._state != LOCUST_STATE_STOPPING:
            self._send_next()

    def _send_next(self) -> None:
        try:
            request = queue.get(timeout=IDLE_SECONDS)
        except Empty:
            return
        node_id, url = NODES[request.node]
        counts[node_id]["started"] += 1
        target = f"{PATH}?sent={time.time():.6f}"
        with self.client.get(
            f"{url}{PATH if ANSWERS else target}",
            name=node_id,
            headers={KEY_HEADER: request.key},
            allow_redirects=False,
            catch_response=True,
        ) as response:
            via = (response.headers or {}).get("Via", [])  # of several fields a list
            is_upstreams = not HOPS.isdisjoint(hops([via] if isinstance(via, str) else via))
            became = outcome(response.status_code, is_upstreams=is_upstreams)
            counts[node_id][became] += 1
            counts[node_id]["answered"] += 1
            if became in ("admitted", "refused"):
                response.success()
            if became == "refused":
                response.request_meta["name"] = f"{node_id} (refused)"
            if became == "admitted" and ANSWERS:
                answers.append(line(time.time(), node_id, key_digest(request.key), target))


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # locust is not typed here
def start_dispatcher(**_: Any) -> None:
    """They begin with the test, and end when its users are asked to."""
    greenlet = gevent.spawn(dispatcher.run)

    def stop(**_: Any) -> None:
        greenlet.kill(block=False)

    events.test_stopping.add_listener(stop)  # type: ignore[no-untyped-call]  # as above


@events.quit.add_listener  # type: ignore[untyped-decorator]  # as above
def write_report(**_: Any) -> None:
    """Exact counts by node; `started` less all outcomes is what no answer came for. The last word is for who
    waits for another end."""
    note_moment()
    for of_node in counts.values():
        del of_node["answered"]
    nodes = {node_id: Counts(**by_outcome) for node_id, by_outcome in counts.items()}
    times = {node_id: tuple(of_node) for node_id, of_node in moments.items()} if ANSWERS else {}
    counted = Counted(nodes, dispatcher.dropped + queue.qsize(), times)
    if ANSWERS:
        Path(ANSWERS).write_text("".join(answers))
    Path(os.environ["LOADTEST_REPORT"]).write_text(encode(counted))
    if not dispatcher.is_over:
        sys.stderr.write("somebody stopped the load, or its time was over\n")
