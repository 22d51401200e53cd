"""What a path costs, and which limits it meets."""

import pytest

from gateway.contract.limits import Limit
from loadtest.elsewhere.terms import PLAIN, RouteTerms, Terms, is_exempt, of_path

ROUTES = (
    RouteTerms("/api/search", ("GET", "POST"), "5/s,1000/d", 3),
    RouteTerms("/api", ("POST",), "1/s"),
    RouteTerms("/api", (), "50/s", 2, shadow=True),
    RouteTerms("/", (), None, 7, host="*.example.org"),
)


@pytest.mark.parametrize(
    ("path", "terms"),
    [
        ("/api/search", Terms(3, (Limit(5, 1), Limit(1000, 86_400)))),
        ("/api/search/books", Terms(3, (Limit(5, 1), Limit(1000, 86_400)))),
        ("/api/searches", Terms(2)),
        ("/", PLAIN),
    ],
)
def test_the_first_route_that_takes_a_path_is_its_own(path: str, terms: Terms) -> None:
    assert of_path(path, ["10.0.0.1"], ROUTES) == terms


def test_of_several_hosts_the_dearest_counts() -> None:
    assert of_path("/", ["10.0.0.1", "API.example.org"], ROUTES) == Terms(7)
    assert of_path("/", ["example.org"], ROUTES) == PLAIN


@pytest.mark.parametrize("entry", ["GET", "GET /health", "/health", "/*"])
def test_an_exempt_path_is_known(entry: str) -> None:
    assert is_exempt("/health", ["OPTIONS", entry])


@pytest.mark.parametrize("entry", ["POST", "POST /health", "/healthz", "/health/*"])
def test_others_are_not(entry: str) -> None:
    assert not is_exempt("/health", [entry])
