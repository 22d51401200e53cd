import pytest

from gateway.contract.routes import Route, is_among


@pytest.mark.parametrize(
    ("methods", "method", "among"),
    [
        ((), "GET", True),
        ((), "BREW", True),
        (("POST",), "POST", True),
        (("POST",), "GET", False),
        (("GET",), "HEAD", True),
        (("HEAD",), "GET", False),
        (("POST", "PUT"), "PUT", True),
    ],
)
def test_no_methods_are_all_and_get_is_head_too(methods: tuple[str, ...], method: str, among: bool) -> None:
    assert is_among(method, methods) is among


def test_a_route_is_shown_and_counted_under_a_name_that_no_other_policy_has() -> None:
    assert Route("search", "/").policy_name == "route/search"
