import pytest

from gateway.access import Exempt

EXEMPT = Exempt("OPTIONS,  GET  /health, /metrics, /assets/*, POST /hooks/*, /.well-known/*")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("OPTIONS", b"/anything/../at%20all"),
        ("OPTIONS", b"*"),
        ("GET", b"/health"),
        ("HEAD", b"/health"),
        ("GET", b"/health?verbose=1"),
        ("GET", b"http://service.example/health"),
        ("GET", b"/metrics"),
        ("DELETE", b"/metrics"),
        ("GET", b"/assets/app.js"),
        ("GET", b"/assets/"),
        ("GET", b"/assets/a/b.c?d"),
        ("POST", b"/hooks/x"),
        ("GET", b"/.well-known/acme"),
    ],
)
def test_what_is_listed_is_exempt(method: str, target: bytes) -> None:
    assert EXEMPT.has(method, target)


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", b"/"),
        ("POST", b"/health"),
        ("GET", b"/health/"),
        ("GET", b"/healthy"),
        ("GET", b"/HEALTH"),
        ("GET", b"/assets"),
        ("GET", b"/hooks/x"),
        ("GET", b"*"),
        ("options", b"/x"),
    ],
)
def test_nothing_else_is(method: str, target: bytes) -> None:
    assert not EXEMPT.has(method, target)


@pytest.mark.parametrize(
    "target",
    [
        b"/assets/../search",
        b"/assets/%2e%2e/search",
        b"/assets/..%2fsearch",
        b"/assets/..;/search",
        b"/assets/x;/../../search",
        b"/assets//../search",
        b"/assets/..\\search",
        b"/assets/a%20b",
        b"//metrics",
        b"/%6detrics",
        b"/x/../metrics",
    ],
)
def test_a_path_that_could_be_read_differently_is_never_exempt(target: bytes) -> None:
    assert not EXEMPT.has("GET", target)


def test_an_empty_list_exempts_nothing() -> None:
    assert Exempt("").entries == ()
    assert not Exempt(" , ").has("OPTIONS", b"/")


def test_entries_are_published_as_they_are_understood() -> None:
    assert EXEMPT.entries == (
        "OPTIONS",
        "GET /health",
        "/metrics",
        "/assets/*",
        "POST /hooks/*",
        "/.well-known/*",
    )


@pytest.mark.parametrize(
    "entry",
    [
        *("get /health", "health", "GET health", "/a b", "GET /a /b", "*", "GÉT", "a/b"),
        *("/a//b", "/a/../b", "/%61", "/a?b", "/é", "/a;b", "/*/b", "/a*"),
    ],
)
def test_an_entry_of_another_form_is_refused_by_name(entry: str) -> None:
    with pytest.raises(ValueError, match="write METHOD, /PATH or METHOD /PATH") as refused:
        Exempt(f"OPTIONS, {entry}")
    assert repr(entry) in str(refused.value)


def test_all_below_the_root_may_be_exempt_for_a_method() -> None:
    everything = Exempt("GET /*")

    assert everything.has("GET", b"/")
    assert everything.has("GET", b"/a/b")
    assert not everything.has("POST", b"/a")
    assert not everything.has("GET", b"/a/../b")
