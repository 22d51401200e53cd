import pytest
from aiohttp.web_protocol import RequestHandler

INNER = (
    "_buffer_paused",
    "_close",
    "_force_close",
    "_keepalive_handle",
    "_loop",
    "_manager",
    "_messages",
    "_pause_reading_for_buffer",
    "_pause_transport_reading",
    "_reading_paused",
    "_request_count",
    "_resume_reading_for_buffer",
    "_resume_reading_if_drained",
    "_resume_transport_reading",
    "_task_handler",
)


@pytest.mark.parametrize("name", INNER)
def test_aiohttps_server_still_has_the_inner_part_that_connections_build_on(name: str) -> None:
    """Its next minor version may move it: pyproject.toml keeps that out until this holds for it."""
    assert hasattr(RequestHandler, name)
