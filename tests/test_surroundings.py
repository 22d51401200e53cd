"""What whoever runs the tests has set for themselves changes nothing."""

import os
import subprocess
import sys

from tests.project import ROOT

THEIRS = {
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "NODE_ID": "no node id!",
    "GATEWAY_PORT": "tcp://10.0.0.1:80",
    "SUBJECT_SPIKE_Z": "none",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
    "COLUMNS": "1",
}
ONE = "tests/deployment/test_kubernetes.py::test_the_settings_of_nodes_are_ones_and_can_be_read"
"""It reads the settings of a node from all that is in the environment."""


def test_settings_a_proxy_and_a_width_of_ones_own_reach_no_test() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ONE],
        env={**os.environ, **THEIRS},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout
