"""Load for the cluster of compose.yaml: each user is a client with its own key, who asks each node in turn.

NODES has the nodes' URLs, with commas between them. What a limit refuses has its own row, and is no failure.
"""

import os
from itertools import count, cycle

from locust import FastHttpUser, constant_throughput, task

NODES = os.environ["NODES"].split(",")
numbers = count(1)


class Client(FastHttpUser):
    """Two requests a second, so that 100 a minute are too few for it."""

    host = NODES[0]
    wait_time = constant_throughput(2)

    def on_start(self) -> None:
        """Become one of many: the nodes' order begins elsewhere for each."""
        number = next(numbers)
        self.key = f"locust-{number}"
        self.nodes = cycle(NODES[number % len(NODES) :] + NODES[: number % len(NODES)])

    @task
    def work(self) -> None:
        """One request."""
        node = next(self.nodes)
        headers = {"X-API-Key": self.key}
        with self.client.get(f"{node}/work", name=node, headers=headers, catch_response=True) as response:
            if response.status_code == 429:
                response.request_meta["name"] = f"{node} (refused)"
                response.success()
