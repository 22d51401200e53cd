import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.routing import _label_count, host_name, host_patterns, is_host_pattern


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (b"Example.ORG", "example.org"),
        (b"example.org:8080", "example.org"),
        (b"example.org:", "example.org"),
        (b"example.org.", "example.org"),
        (b"example.org.:80", "example.org"),
        (b"10.0.0.1:80", "10.0.0.1"),
        (b"[2001:db8::1]:80", "[2001:db8::1]"),
        (b"[2001:db8::1]", "[2001:db8::1]"),
        (b"", ""),
    ],
)
def test_the_same_host_is_found_however_it_is_written(field: bytes, name: str) -> None:
    assert host_name(field) == name


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("example.org", True),
        ("*.example.org", True),
        ("localhost", True),
        ("my_service", True),
        ("10.0.0.1", True),
        ("Example.org", False),
        ("*", False),
        ("*.", False),
        ("*.*.org", False),
        ("a.*.org", False),
        ("*example.org", False),
        ("example.org.", False),
        (".example.org", False),
        ("a..b", False),
        ("example.org:80", False),
        ("[::1]", False),
        ("a b", False),
        ("", False),
        ("a" * 64, False),
        ("a.." + "a." * 200, False),
        (".".join(["a" * 49] * 6), False),
    ],
)
def test_a_pattern_is_a_name_or_a_star_for_the_labels_before_one(text: str, is_one: bool) -> None:
    assert is_host_pattern(text) is is_one


@pytest.mark.parametrize(
    ("name", "most", "found"),
    [
        ("a.b.example.org", 3, ["a.b.example.org", "*.b.example.org", "*.example.org", "*.org"]),
        ("a.b.example.org", 2, ["a.b.example.org", "*.example.org", "*.org"]),
        ("a.b.example.org", 0, ["a.b.example.org"]),
        ("org", 2, ["org"]),
    ],
)
def test_a_host_falls_under_its_name_and_under_stars(name: str, most: int, found: list[str]) -> None:
    assert list(host_patterns(name, most)) == found


names = st.lists(st.sampled_from(["a", "b"]), min_size=1, max_size=4).map(".".join)


@given(names, names)
def test_a_star_is_for_what_ends_so_with_something_before_it(name: str, behind: str) -> None:
    star = f"*.{behind}"

    assert (star in host_patterns(name, _label_count(star))) is name.endswith(f".{behind}")
