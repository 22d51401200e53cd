import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.fields import Fields
from gateway.http.response_head import members_of, merge_ratelimit_fields

POLICY, LEFT = b"RateLimit-Policy", b"RateLimit"
OURS: Fields = [(POLICY, b'"default";q=9;w=60'), (LEFT, b'"default";r=8;t=9'), (b"Connection", b"close")]
LEGACY: Fields = [(b"X-RateLimit-Limit", b"9"), (b"X-RateLimit-Remaining", b"8")]


def test_theirs_stand_behind_ours_in_one_list() -> None:
    theirs = [
        (b"A", b"1"),
        (b"ratelimit", b'"burst";r=4;t=1'),
        (b"RATELIMIT-POLICY", b'"burst";q=5;w=1,"day";q=1000;w=86400'),
        (b"RateLimit", b'"day";r=7'),
        (b"B", b"2"),
    ]

    left, ours = merge_ratelimit_fields(theirs, OURS)

    assert left == [(b"A", b"1"), (b"B", b"2")]
    assert ours == [
        (POLICY, b'"default";q=9;w=60, "burst";q=5;w=1, "day";q=1000;w=86400'),
        (LEFT, b'"default";r=8;t=9, "burst";r=4;t=1, "day";r=7'),
        (b"Connection", b"close"),
    ]


def test_a_policy_of_theirs_that_is_called_as_one_of_ours_gets_another_name() -> None:
    theirs = [
        (POLICY, b'"default";q=5;w=1, "other";q=1'),
        (LEFT, b'"default";r=4;t=1;pk=:YQ==:'),
        (b"Retry-After", b"1"),
    ]

    _, ours = merge_ratelimit_fields(theirs, OURS)

    assert ours[0][1] == b'"default";q=9;w=60, "upstream/default";q=5;w=1, "other";q=1'
    assert ours[1][1] == b'"default";r=8;t=9, "upstream/default";r=4;t=1;pk=:YQ==:'


def test_a_name_of_ours_is_kept_also_where_only_one_field_of_ours_has_it() -> None:
    theirs = [(POLICY, b'"default";q=5'), (LEFT, b'"default";r=4')]

    left, ours = merge_ratelimit_fields(theirs, OURS[:1])

    assert left == [(LEFT, b'"default";r=4')]
    assert ours == [(POLICY, b'"default";q=9;w=60, "upstream/default";q=5')]


@pytest.mark.parametrize("value", [b"limit=100, remaining=4", b'"open', b'"a";q=1,', b'"a" "b"', b"\xe9"])
def test_what_is_malformed_would_spoil_ours_and_is_dropped(value: bytes) -> None:
    left, ours = merge_ratelimit_fields([(LEFT, value), (LEFT, b'"a";r=1'), (POLICY, b'"a";q=1')], OURS)

    assert left == []
    assert ours[0][1] == b'"default";q=9;w=60, "a";q=1'
    assert ours[1] == OURS[1]


def test_where_we_send_none_theirs_go_on_as_they_came() -> None:
    theirs = [(LEFT, b"limit=100, remaining=4"), (b"X-RateLimit-Limit", b"5")]

    assert merge_ratelimit_fields(theirs, OURS[2:]) == (theirs, OURS[2:])


def test_legacy_fields_have_room_for_one() -> None:
    theirs = [(b"x-ratelimit-limit", b"5"), (b"X-RateLimit-Used", b"1"), (LEFT, b'"a";r=1')]

    assert merge_ratelimit_fields(theirs, LEGACY) == ([(LEFT, b'"a";r=1')], LEGACY)
    assert merge_ratelimit_fields(theirs, OURS)[0] == theirs[:2]


WELL_FORMED = [
    (b"", []),
    (b' "a";q=1 ,\t"b" ', [b'"a";q=1', b'"b"']),
    (b"100;w=60, -1.5, tok*en/x:y", [b"100;w=60", b"-1.5", b"tok*en/x:y"]),
    (b'"a, \\"b\\\\";q', [b'"a, \\"b\\\\";q']),
    (b'("a" "b";x=1);q=2, ()', [b'("a" "b";x=1);q=2', b"()"]),
    (b'?1;  a=?0, :YQ==:, @1659578233, %"f%c3%bc"', [b"?1;  a=?0", b":YQ==:", b"@1659578233", b'%"f%c3%bc"']),
]
MALFORMED = [
    b",",
    b'"a",',
    b',"a"',
    b'"a",,"b"',
    b'"a" ;q=1',
    b'"a"; Q=1',
    b'"a";q=',
    b'"a";q =1',
    b'"a\\b"',
    b"a=1",
    b"1.",
    b"1.2345",
    b"1234567890123456",
    b"(a",
    b"((a))",
    b"(a,b)",
    b"?2",
    b":a",
    b'%"%C3"',
    b'"a\tb"',
]


@pytest.mark.parametrize(("value", "members"), WELL_FORMED)
def test_a_list_has_its_members_as_written(value: bytes, members: list[bytes]) -> None:
    assert members_of(value) == members


@pytest.mark.parametrize("value", MALFORMED)
def test_what_is_no_list_has_none(value: bytes) -> None:
    assert members_of(value) is None


@given(st.text('a1;=",\\ ()?:@%.*\t-', max_size=40).map(str.encode) | st.binary(max_size=20))
def test_what_is_taken_in_makes_a_list_again(value: bytes) -> None:
    _, ours = merge_ratelimit_fields([(LEFT, value)], OURS)

    members = members_of(ours[1][1])
    assert members is not None
    assert members[0] == OURS[1][1]
