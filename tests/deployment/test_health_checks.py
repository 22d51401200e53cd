"""What Docker asks, asked of a real node, a real dashboard and a real upstream."""

from pathlib import Path

from loadtest import redis_server
from loadtest.ports import free_port
from tests.deployment.composed import SERVICES
from tests.deployment.dockerfile import STAGES, image_environment
from tests.deployment.processes import is_well, process, until


def test_a_node_that_lives_is_told_from_one_that_does_not(
    shared_redis: redis_server.RedisServer, tmp_path: Path
) -> None:
    variables = {name: "127.0.0.1" for name in image_environment("gateway") if name.endswith("_HOST")}
    variables |= {"GATEWAY_PORT": str(free_port()), "GATEWAY_ADMIN_PORT": str(free_port())}
    given = {"REDIS_URL": shared_redis.url, "GATEWAY_UPSTREAM_URL": "http://127.0.0.1:9", **variables}
    check = STAGES["gateway"].check()
    assert not is_well(check, **variables)

    with process(STAGES["gateway"].command("ENTRYPOINT"), tmp_path, **given) as ended:
        until(lambda: is_well(check, **variables), ended)

    assert not is_well(check, **variables)


def test_a_dashboard_that_lives_is_told_from_one_that_does_not(
    shared_redis: redis_server.RedisServer, tmp_path: Path
) -> None:
    port = {"SUBJECT_PORT": str(free_port())}
    check = STAGES["subject"].check()
    command = [*STAGES["subject"].command("ENTRYPOINT"), *STAGES["subject"].command("CMD")]
    assert not is_well(check, **port)

    with process(command, tmp_path, REDIS_URL=shared_redis.url, **port) as ended:
        until(lambda: is_well(check, **port), ended)
        assert not is_well([*check[:2], "/nothing", *check[3:]], **port)


def test_an_upstream_that_lives_is_told_from_one_that_does_not(tmp_path: Path) -> None:
    check = SERVICES["upstream"]["healthcheck"]["test"][1:]
    port = str(free_port())
    here = [port if word == "9000" else word for word in check]
    command = ["loadtest", *(port if word == "9000" else word for word in SERVICES["upstream"]["command"])]
    assert not is_well(here)

    with process(command, tmp_path) as ended:
        until(lambda: is_well(here), ended)
