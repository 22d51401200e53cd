"""docker/locustfile.py, by the real locust at a real node."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from loadtest import redis_server
from loadtest.ports import free_port
from tests.deployment.processes import is_well, process, until
from tests.project import ROOT

LIMIT = 2
USERS = 3


def test_its_clients_have_keys_of_their_own_and_a_refusal_is_no_failure(
    shared_redis: redis_server.RedisServer, tmp_path: Path
) -> None:
    node, admin, upstream = (str(free_port()) for _ in range(3))
    url = f"http://127.0.0.1:{node}"
    variables = {
        "REDIS_URL": shared_redis.url,
        "GATEWAY_PORT": node,
        "GATEWAY_ADMIN_PORT": admin,
        "GATEWAY_UPSTREAM_URL": f"http://127.0.0.1:{upstream}",
        "GATEWAY_DEFAULT_LIMIT": f"{LIMIT}/h",
        "GATEWAY_IDENTITY_SECRET": f"of this test {node}",
    }
    check = ["python", "/healthcheck.py", "/readyz", admin]

    with (
        process(["loadtest", "upstream", "--port", upstream], tmp_path),
        process(["gateway"], tmp_path, **variables) as ended,
    ):
        until(lambda: is_well(check), ended)
        rows = located(url, tmp_path)

    assert rows == {url: USERS * LIMIT, f"{url} (refused)": rows[f"{url} (refused)"]}
    assert rows[f"{url} (refused)"] > 0


def located(url: str, folder: Path) -> Counter[str]:
    """Requests by the rows of locust's table; it exits with 0, as none of them failed."""
    options = ["--headless", "--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", "4s", "--json"]
    command = [sys.executable, "-m", "locust", "-f", str(ROOT / "docker/locustfile.py"), *options]
    run = subprocess.run(
        command, env=os.environ | {"NODES": url}, cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 0, run.stderr
    return Counter({row["name"]: row["num_requests"] for row in json.loads(run.stdout)})
