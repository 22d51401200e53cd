"""The load generator, run as ``python -m locust -f`` this file. Importing locust patches its process: nobody
else imports this module.

From the environment: LOADTEST_NODES, JSON of a list of [id, url]; LOADTEST_LOAD, the file with the load now,
read again whenever it is replaced; LOADTEST_SEED; LOADTEST_REPORT, the file that the counts go to at the end.
"""

import json
import os
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import gevent
from gevent.queue import Empty, Queue
from locust import FastHttpUser, events, task

from gateway.contract import codec
from loadtest import load as loads
from loadtest.counts import Counted, Counts
from loadtest.followed_file import FollowedFile
from loadtest.upstream_behaviour import FAILURE_FIELD

FOLLOW_SECONDS = 0.1
BACKLOG_SECONDS = 1.0
IDLE_SECONDS = 0.2

NODES: list[list[str]] = json.loads(os.environ["LOADTEST_NODES"])
OUTCOMES = {200: "admitted", 429: "refused", 401: "unidentified", 0: "connection_failures"}
"""By status; what the dummy upstream fails on purpose was admitted."""

counts = {node_id: Counter[str]() for node_id, _ in NODES}
queue: "Queue[loads.Request]" = Queue()


class Dispatcher:
    """Puts requests into the queue when they are due, whether or not users are free to send them."""

    def __init__(self, path: Path, seed: int) -> None:
        self.file = FollowedFile(path, loads.Load)
        self.random = Random(seed)
        self.dropped = 0
        self.requests = loads.Requests(loads.IDLE, len(NODES), self.random)

    def follow(self) -> bool:
        """Take up the load in the file if it was replaced, and say whether it was."""
        load = self.file.news()
        if load is not None:
            self.requests = loads.Requests(load, len(NODES), self.random)
        return load is not None

    def run(self) -> None:
        """Until it is killed."""
        followed = due = time.monotonic()
        self.follow()
        while True:
            now = time.monotonic()
            if now - followed >= FOLLOW_SECONDS:
                followed = now
                if self.follow():
                    due = now + self.requests.gap_seconds()
            while due <= now:
                self._put()
                due += self.requests.gap_seconds()
            gevent.sleep(max(0.0, min(due, followed + FOLLOW_SECONDS) - now))

    def _put(self) -> None:
        """Queue one; what nobody could send for a second is dropped rather than sent in a heap later."""
        if queue.qsize() > BACKLOG_SECONDS * self.requests.load.rate_per_second:
            self.dropped += 1
        else:
            queue.put(self.requests.draw())


dispatcher = Dispatcher(Path(os.environ["LOADTEST_LOAD"]), int(os.environ["LOADTEST_SEED"]))


class Client(FastHttpUser):
    """Sends what is due. Users stand for connections: which client a request is of, its key says."""

    host = "http://every-request-names-its-node.invalid"
    network_timeout = 10.0
    connection_timeout = 5.0

    @task
    def send_next(self) -> None:
        """Send one request, and count what came back."""
        try:
            request = queue.get(timeout=IDLE_SECONDS)
        except Empty:
            return
        node_id, url = NODES[request.node]
        counts[node_id]["started"] += 1
        with self.client.get(
            f"{url}/work?sent={time.time():.6f}",
            name=node_id,
            headers={"X-API-Key": request.key},
            allow_redirects=False,
            catch_response=True,
        ) as response:
            told = FAILURE_FIELD in (response.headers or ())
            outcome = "admitted" if told else OUTCOMES.get(response.status_code, "failed")
            counts[node_id][outcome] += 1
            if outcome in ("admitted", "refused"):
                response.success()


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # locust is not typed here
def start_dispatcher(**_: Any) -> None:
    """They begin with the test, and end when its users are asked to."""
    greenlet = gevent.spawn(dispatcher.run)
    events.test_stopping.add_listener(lambda **_: greenlet.kill(block=False))  # type: ignore[no-untyped-call]  # as above


@events.quit.add_listener  # type: ignore[untyped-decorator]  # as above
def write_report(**_: Any) -> None:
    """Exact counts by node; `started` less all outcomes is what no answer came for."""
    nodes = {node_id: Counts(**by_outcome) for node_id, by_outcome in counts.items()}
    counted = Counted(nodes, dispatcher.dropped + queue.qsize())
    Path(os.environ["LOADTEST_REPORT"]).write_text(codec.encode(counted))
