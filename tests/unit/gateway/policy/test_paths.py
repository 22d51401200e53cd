import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.policy.paths import is_plain_path, path_of, path_variants


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/", "/"),
        (b"/search", "/search"),
        (b"/search/", "/search/"),
        (b"/a/b-c_d~e.f", "/a/b-c_d~e.f"),
        (b"/search?q=/../x", "/search"),
        (b"/search?a=%2F;b", "/search"),
        (b"/search#there", "/search"),
        (b"http://service.example/search?x", "/search"),
        (b"HTTP://service.example", "/"),
        (b"http://service.example?x", "/"),
        (b"*", "/"),
    ],
)
def test_a_usual_target_has_one_path(target: bytes, path: str) -> None:
    assert path_variants(target) == (path,)


@pytest.mark.parametrize(
    "target",
    [
        b"/%73earch",
        b"/%73%65%61%72%63%68?x",
        b"//search",
        b"///search",
        b"/./search",
        b"/x/../search",
        b"/x/%2e%2E/search",
        b"/../search",
        b"/x//../../search",
        b"http://service.example//search",
        # not RFC 3986's, but some servers'
        b"/x/..%2fsearch",
        b"/%2Fsearch",
        b"/search;v=1",
        b"/;v=1/search",
        b"/x/..;/search",
        b"/x%2F..;v%2Fsearch",
        b"/x\\..\\search",
        b"/x%5c..%5Csearch",
        b"/x%2Fy\\..\\search",
        b"/x;%2Fy/..%2Fsearch",
        # a host, for some
        b"//x/search",
        b"///x/search",
        b"/\\x/search",
        b"/\\/x\\search",
        b"//x;y/%73earch",
    ],
)
def test_no_other_way_to_write_a_path_hides_it(target: bytes) -> None:
    assert "/search" in path_variants(target)


@pytest.mark.parametrize(
    ("target", "read"),
    [
        (b"/search/../x", {"/x", "/search/../x"}),  # not every server resolves dots
        (b"/search//../x", {"/search/x", "/x"}),  # nor merges slashes before it does
        (b"/search/..%2fx", {"/search/..%2Fx", "/x"}),  # nor takes an encoded slash for one
        (b"/x%2f..%2fsearch/..;/x", {"/search/..;/x", "/x%2F..%2Fsearch/..;/x", "/x"}),
        (b"/a%20b", {"/a%20b", "/a b"}),
        (b"/a%c3%a9", {"/a%C3%A9", "/aÃ©"}),
    ],
)
def test_a_target_that_servers_read_differently_has_all_these_paths(target: bytes, read: set[str]) -> None:
    assert read <= set(path_variants(target))


@pytest.mark.parametrize(
    "path",
    ["/", "/health", "/assets/app.js", "/a/b/", "/@scope/pkg", "/v1.0/~user", "/.well-known/x", "/..a"],
)
def test_a_path_without_second_readings_is_plain(path: str) -> None:
    assert is_plain_path(path.encode())
    assert path_variants(path.encode()) == (path,)


@pytest.mark.parametrize(
    "path",
    ["", "health", "//health", "/a/../b", "/a/.", "/%61", "/a%2Fb", "/a;b", "/a b", "/a?b", "/é", "/a\\b"],
)
def test_a_path_that_could_be_read_differently_is_not(path: str) -> None:
    assert not is_plain_path(path.encode())


pieces = st.lists(
    st.sampled_from(
        [b"/", b"//", b"a", b"b", b".", b"..", b"%2e", b"%2F", b"%61", b";", b"\\", b"%5C", b"?", b"%"]
    ),
    max_size=12,
).map(lambda parts: b"/" + b"".join(parts))


@given(pieces)
@example(b"/a/../../..")
@example(b"/" + b"/..;%2f" * 1000)
@example(b"/\\%61\\/%////../%5C;")
def test_every_path_begins_with_one_slash_and_is_bounded_in_number(target: bytes) -> None:
    paths = path_variants(target)

    assert 1 <= len(paths) <= 2 * 2**6
    for path in paths:
        assert path.startswith("/")
        assert "//" not in path


@given(pieces)
def test_what_is_plain_is_read_as_it_stands(target: bytes) -> None:
    path = path_of(target)

    assert is_plain_path(path) == (
        path_variants(target) == (path.decode(),) and not set(path) & set(b"%;\\?")
    )


@given(pieces)
def test_a_path_that_was_read_is_among_its_own_readings(target: bytes) -> None:
    for path in path_variants(target):
        if not set(path) & set("%?#"):
            assert path in path_variants(path.encode("latin-1"))


def test_a_target_is_read_in_a_time_that_grows_with_its_length_only() -> None:
    """Else nobody would see the end of this one, which is a hundred times as long as one can be."""
    assert len(path_variants(b"/" + b"%2e%2e;/" * 100_000)) == 3
