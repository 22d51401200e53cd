from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.policy_files import RoutesFile, RoutesFileError, parse_routes
from gateway.contract.limits import parse_limits
from gateway.contract.routes import Route


def entry(*lines: str, name: str = "search", path: str = "/api", cost: str = "cost = 2") -> str:
    return "\n".join(["[[routes]]", f'name = "{name}"', f'path = "{path}"', cost, *lines])


def test_an_empty_file_has_no_routes() -> None:
    assert parse_routes("") == RoutesFile()


def test_routes_keep_their_order() -> None:
    routes = parse_routes(entry(name="b") + "\n" + entry(name="a", path="/")).routes

    assert [route.name for route in routes] == ["b", "a"]


def test_a_route_has_all_that_is_written_of_it() -> None:
    text = entry('methods = ["GET", "M-SEARCH"]', 'limit = "5/s, 100/m"', "shadow = true")

    assert parse_routes(text).routes == (
        Route("search", "/api", ("GET", "M-SEARCH"), parse_limits("5/s,100/m"), 2, shadow=True),
    )


def test_methods_limit_cost_and_shadow_may_be_left_out() -> None:
    assert parse_routes(entry()).routes == (Route("search", "/api", cost=2),)
    assert parse_routes(entry('limit = "1/s"', cost="")).routes == (
        Route("search", "/api", limit=parse_limits("1/s")),
    )


def test_a_route_may_have_a_host_and_an_upstream_of_one_address_or_several() -> None:
    text = entry('host = "*.Example.org"', 'upstream = "a-1"', cost="")
    file = parse_routes(text + '\n[upstreams]\na-1 = "http://10.0.0.7:9000, HTTPS://b.example/"')

    assert file.routes == (Route("search", "/api", host="*.example.org", upstream="a-1"),)
    assert file.upstreams == {"a-1": ("http://10.0.0.7:9000", "https://b.example")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("routes = [", "not TOML"),
        ("a = " + "9" * 5000, "not TOML"),
        ("[routes]", r"routes are written as \[\[routes\]\]"),
        ("[[route]]", r"routes are written as \[\[routes\]\]"),
        ("routes = [1]", "route 1: needs a name"),
        ("[[routes]]", "route 1: needs a name"),
        (entry(name="a b"), "route 1: needs a name"),
        (entry(name="k_1"), "route 1: needs a name"),
        (entry(name="default"), "route 'default': other policies are called so"),
        (entry(name="route"), "route 'route': other policies are called so"),
        (entry() + "\n" + entry(), "route 'search' is there twice"),
        (entry(cost=""), "route 'search': has no limit, no cost and no upstream"),
        (entry("prefix = 1"), "route 'search': unknown field 'prefix'"),
        ('[[routes]]\nname = "a"\ncost = 2', "route 'a': needs a path"),
        (entry(path="api"), "route 'search': needs a path"),
        (entry(path=""), "route 'search': needs a path"),
        (entry(path="/a//b"), "route 'search': needs a path"),
        (entry(path="/a/../b"), "route 'search': needs a path"),
        (entry(path="/a%20b"), "route 'search': needs a path"),
        (entry(path="/é"), "route 'search': needs a path"),
        (entry(path="/a?b"), "route 'search': needs a path"),
        (entry(path="/a/*"), "route 'search': write the path without a star"),
        (entry(path="/a/"), "route 'search': write the path without a slash at its end"),
        (entry('methods = "GET"'), "route 'search': methods are a list"),
        (entry("methods = []"), "route 'search': methods are a list"),
        (entry('methods = ["get"]'), "route 'search': methods are a list"),
        (entry("methods = [1]"), "route 'search': methods are a list"),
        (entry('limit = "fast"'), "route 'search': 'fast' is not a limit"),
        (entry("limit = 5"), "route 'search': a limit is a text"),
        (entry(cost="cost = 0"), "route 'search': a cost is a whole number"),
        (entry(cost="cost = 1.5"), "route 'search': a cost is a whole number"),
        (entry(cost="cost = true"), "route 'search': a cost is a whole number"),
        (entry('shadow = "no"'), "route 'search': shadow is true or false"),
        (entry('host = "api.example.org:80"'), "route 'search': a host is a name without a port"),
        (entry('host = "api.example.org."'), "route 'search': a host is a name without a port"),
        (entry('host = "*"'), "route 'search': a host is a name without a port"),
        (entry('host = "a.*.org"'), "route 'search': a host is a name without a port"),
        (entry('host = "bücher.example"'), "route 'search': a host is a name without a port"),
        (entry('host = ""'), "route 'search': a host is a name without a port"),
        (entry("host = 1"), "route 'search': a host is a name without a port"),
        (entry('upstream = "b"'), "route 'search': there is no upstream 'b' under"),
        (entry("upstream = 1"), "route 'search': there is no upstream 1 under"),
        (entry('upstream = ""'), "route 'search': there is no upstream '' under"),
        ("upstreams = 1", r"upstreams are written as \[upstreams\]"),
        ('[upstreams]\na = "http://h"', "upstream 'a': no route leads to it"),
        ('[upstreams]\n"a b" = "http://h"', "upstream 'a b': a name has letters, digits"),
        ("[upstreams]\na = 1", "upstream 'a': its addresses are a text"),
        ('[upstreams]\na = "h:80"', "upstream 'a': write http://HOST"),
        ('[upstreams]\na = "http://h/path"', "upstream 'a': write http://HOST"),
        ('[upstreams]\na = "http://h,http://h"', "upstream 'a': write each address once"),
        ('[upstreams]\na = "http://user:secret@h"', "upstream 'a': write http://HOST .* without a user"),
    ],
)
def test_a_wrong_file_is_refused_in_a_line_that_names_the_entry(text: str, message: str) -> None:
    with pytest.raises(RoutesFileError, match=message) as refused:
        parse_routes(text)
    assert "\n" not in str(refused.value)


values = st.sampled_from(
    ["true", "1", "-1.5", '"/a"', '"GET"', '["GET"]', '"10/s"', '""', "nan", "[[1]]", "{}"]
)
lines = st.one_of(
    st.sampled_from(
        ["[[routes]]", "[routes]", "[upstreams]", 'a = "http://h"', 'name = "a"', 'path = "/a"', "cost = 2"]
    ),
    st.tuples(
        st.sampled_from(["name", "path", "methods", "limit", "cost", "shadow", "host", "upstream", "x"]),
        values,
    ).map(" = ".join),
)


@given(st.lists(lines, max_size=8).map("\n".join))
def test_any_file_is_routes_or_a_routes_file_error(text: str) -> None:
    with suppress(RoutesFileError):
        assert isinstance(parse_routes(text), RoutesFile)
