"""The file for Kubernetes, held against the code, the image and the page that says how to use it."""

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import gateway.config.report
import gateway.config.settings
import subject.settings
from gateway.config.settings import Settings
from subject.dashboard import static_files
from subject.dashboard.guard import Asked, refusal
from tests.deployment.composed import GATEWAY_VARIABLES, SUBJECT_VARIABLES, megabytes, most_megabytes
from tests.project import ROOT

PAGE = (ROOT / "docs/how-to/kubernetes.md").read_text()
OBJECTS: dict[tuple[str, str], Any] = {
    (one["kind"], one["metadata"]["name"]): one
    for one in yaml.safe_load_all((ROOT / "docker/kubernetes.yaml").read_text())
}
NODES = OBJECTS["StatefulSet", "ratelimiter"]["spec"]
DASHBOARD = OBJECTS["Deployment", "ratelimiter-subject"]["spec"]
each = pytest.mark.parametrize(
    ("pods", "known"), [(NODES, GATEWAY_VARIABLES), (DASHBOARD, SUBJECT_VARIABLES)], ids=["nodes", "subject"]
)


def container(pods: Any) -> Any:
    (one,) = pods["template"]["spec"]["containers"]
    return one


@each
def test_every_variable_is_a_setting(pods: Any, known: set[str]) -> None:
    named = {entry["name"] for entry in container(pods)["env"]}

    assert named - {"CREDENTIALS_DIRECTORY"} <= known


@each
def test_every_file_that_the_page_makes_is_a_setting(pods: Any, known: set[str]) -> None:
    which = "gateway" if pods is NODES else "subject"
    files = set(re.findall(rf"secrets/{which}/(\w+)", PAGE))

    assert "REDIS_URL" in files
    assert files <= known


def test_the_settings_of_nodes_are_ones_and_can_be_read() -> None:
    text = OBJECTS["ConfigMap", "ratelimiter"]["data"]["gateway.toml"]

    Settings.model_validate(tomllib.loads(text))
    assert tomllib.loads(text).keys() <= Settings.model_fields.keys()


def test_a_pod_has_the_time_that_a_node_needs_to_leave() -> None:
    told = tomllib.loads(OBJECTS["ConfigMap", "ratelimiter"]["data"]["gateway.toml"])
    drain = Settings.model_fields["drain_timeout"].default

    assert NODES["template"]["spec"]["terminationGracePeriodSeconds"] >= told["drain_delay"] + drain + 5
    probe = container(NODES)["readinessProbe"]
    assert told["drain_delay"] > probe["periodSeconds"] * probe["failureThreshold"]


def test_a_pod_has_the_memory_that_its_connections_take() -> None:
    fields = Settings.model_fields
    memory = megabytes(container(NODES)["resources"]["limits"]["memory"])

    assert memory >= most_megabytes(fields["max_connections"].default, fields["upstream_connections"].default)


def test_a_node_that_is_late_for_a_second_is_not_left_out() -> None:
    probe = container(NODES)["readinessProbe"]

    assert probe["timeoutSeconds"] > 1
    assert probe["failureThreshold"] > 2


def test_ports_and_probes_are_those_of_a_node() -> None:
    ports = {port["name"]: port["containerPort"] for port in container(NODES)["ports"]}
    fields = Settings.model_fields

    assert ports == {"http": fields["port"].default, "admin": fields["admin_port"].default}
    for probe, path in {"livenessProbe": "/healthz", "readinessProbe": "/readyz"}.items():
        assert container(NODES)[probe]["httpGet"] == {"path": path, "port": "admin"}


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe"])
@pytest.mark.parametrize("pod", ["10.0.0.7:9180", "[fd00::7]:9180"])
def test_a_probe_gets_a_page_of_the_dashboard_by_the_address_of_its_pod(probe: str, pod: str) -> None:
    asked = container(DASHBOARD)[probe]["httpGet"]

    assert asked == {"path": "/", "port": "dashboard"}
    assert asked["path"] in static_files.load()
    assert refusal(Asked("GET", asked["path"], (pod,)), (), None) is None
    ports = {port["name"]: port["containerPort"] for port in container(DASHBOARD)["ports"]}
    assert ports == {"dashboard": subject.settings.Settings.model_fields["port"].default}


def test_only_clients_and_the_subject_reach_a_node_and_nobody_the_subject() -> None:
    policies = {name: one["spec"] for (kind, name), one in OBJECTS.items() if kind == "NetworkPolicy"}
    to_nodes, to_dashboard = policies["ratelimiter"], policies["ratelimiter-subject"]

    observer = {"podSelector": {"matchLabels": DASHBOARD["template"]["metadata"]["labels"]}}
    assert to_nodes["ingress"] == [
        {"ports": [{"port": "http"}]},
        {"from": [observer], "ports": [{"port": "admin"}]},
    ]
    assert to_dashboard == {
        "podSelector": observer["podSelector"],
        "policyTypes": ["Ingress"],
    }


def test_a_node_and_the_subject_read_what_is_mounted_as_kubernetes_mounts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file leads through a link to a folder that is replaced as a whole."""
    secrets = {
        "REDIS_URL": "redis://gateway:PASSWORD@redis:6379/0\n",
        "GATEWAY_IDENTITY_SECRET": "of all\n",
        "SUBJECT_TOKEN": "0123456789abcdef\n",
    }
    mounted(tmp_path / "secrets", secrets)
    mounted(tmp_path / "config", OBJECTS["ConfigMap", "ratelimiter"]["data"])
    for name in (GATEWAY_VARIABLES | SUBJECT_VARIABLES) & os.environ.keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv(gateway.config.settings.CREDENTIALS, str(tmp_path / "secrets"))
    monkeypatch.chdir(tmp_path / "config")

    node, observer = gateway.config.report.load({}), subject.settings.load()

    assert node.redis_url == observer.redis_url == secrets["REDIS_URL"].strip()
    assert node.identity_secret is not None
    assert node.identity_secret.get_secret_value() == "of all"
    assert node.upstream_url == "http://my-service:8000"
    assert observer.token is not None


def mounted(folder: Path, files: dict[str, str]) -> None:
    """A ConfigMap or a Secret as a volume."""
    version = folder / "..2026_01_01_00_00_00.1"
    version.mkdir(parents=True)
    (folder / "..data").symlink_to(version.name)
    for name, text in files.items():
        (version / name).write_text(text)
        (folder / name).symlink_to(f"..data/{name}")


def test_the_subject_asks_each_node_by_the_name_that_it_has() -> None:
    (asked,) = (one["value"] for one in container(DASHBOARD)["env"] if one["name"] == "SUBJECT_NODES")
    service = OBJECTS["Service", NODES["serviceName"]]

    (port,) = (one["port"] for one in service["spec"]["ports"])
    names = [f"ratelimiter-{number}.{NODES['serviceName']}:{port}" for number in range(NODES["replicas"])]
    assert asked.split(",") == names


@each
def test_a_pod_may_do_what_a_container_of_compose_may(pods: Any, known: set[str]) -> None:
    of_pod, of_container = pods["template"]["spec"]["securityContext"], container(pods)["securityContext"]

    assert known
    assert (of_pod["runAsUser"], of_pod["runAsNonRoot"]) == (10001, True)
    assert "USER 10001:10001" in (ROOT / "docker/Dockerfile").read_text()
    assert of_container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@each
def test_what_is_mounted_is_where_it_is_looked_for(pods: Any, known: set[str]) -> None:
    spec, variables = pods["template"]["spec"], {one["name"]: one for one in container(pods)["env"]}
    mounted = {mount["name"]: mount["mountPath"] for mount in container(pods)["volumeMounts"]}

    assert known
    assert variables["CREDENTIALS_DIRECTORY"]["value"] == mounted["secrets"]
    assert {volume["name"] for volume in spec["volumes"]} == mounted.keys()
    (secret,) = (volume["secret"]["secretName"] for volume in spec["volumes"] if "secret" in volume)
    assert f"create secret generic {secret} --from-file" in PAGE


def test_each_selector_finds_pods() -> None:
    labels = [NODES["template"]["metadata"]["labels"], DASHBOARD["template"]["metadata"]["labels"]]
    selectors = [one["spec"]["selector"] for (kind, _), one in OBJECTS.items() if kind == "Service"]
    selectors += [pods["selector"]["matchLabels"] for pods in (NODES, DASHBOARD)]
    selectors.append(OBJECTS["PodDisruptionBudget", "ratelimiter"]["spec"]["selector"]["matchLabels"])
    policies = [one["spec"] for (kind, _), one in OBJECTS.items() if kind == "NetworkPolicy"]
    selectors += [policy["podSelector"]["matchLabels"] for policy in policies]

    assert [one for one in selectors if one not in labels] == []
