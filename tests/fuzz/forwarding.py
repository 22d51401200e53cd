"""What clients say of themselves behind a trusted proxy: whatever it is, they are whom the proxy names."""

from hypothesis import strategies as st

from gateway.access import TrustedProxies
from gateway.http.fields import Fields
from gateway.http.forwarded import FORWARDED, FORWARDED_FOR, ForwardedError, forwarding_fields, resolve_remote
from tests.fuzz.mutation import SIGNS, mutated
from tests.fuzz.target import Target

_TRUSTED = TrustedProxies("10.0.0.0/24, 2001:db8:ff::/64")
_PROXY, _CLIENT = "10.0.0.1", "203.0.113.9"
_EXAMPLES = (
    b"10.0.0.5",
    b"203.0.113.9, 10.0.0.5",
    b"198.51.100.7:80, [2001:db8:ff::1]:80, 2001:db8:ff::2",
    b"for=10.0.0.5",
    b"for=203.0.113.9;proto=https;host=a.example, for=10.0.0.5",
    b'for="[2001:db8:ff::1]:4711";by=_hidden, for="10.0.0.5:80"',
    b'For=unknown;Host="a.example:80";x="\\",for=10.0.0.5"',
    b"https",
    b"a.example:8443",
)
_NAMES = st.sampled_from([FORWARDED, FORWARDED_FOR, b"x-forwarded-proto", b"x-forwarded-host"])


def check(given: tuple[Fields, bytes, bool]) -> None:
    """Of fields, to which the proxy adds the client's address: in a line of its own, or behind the last."""
    claims, name, in_a_line_of_its_own = given
    fields = [(name, value.strip(b" \t")) for name, value in claims]
    word = _CLIENT.encode() if name == FORWARDED_FOR else b"for=" + _CLIENT.encode()
    places = [place for place, (of, _) in enumerate(fields) if of == name]
    if places and not in_a_line_of_its_own:
        fields[places[-1]] = (name, fields[places[-1]][1] + b", " + word)
    else:
        fields.append((name, word))
    try:
        sender = resolve_remote(fields, _PROXY, scheme=b"http", host=b"", trusted=_TRUSTED)
    except ForwardedError:
        return
    assert sender.client == _CLIENT
    assert sender.chain[-1] == _PROXY
    assert all(b"\n" not in value and b"\r" not in value for _, value in forwarding_fields(sender))


TARGETS = (
    Target(
        "what clients say behind a proxy",
        st.tuples(
            st.lists(st.tuples(_NAMES, mutated(_EXAMPLES, SIGNS)), max_size=4),
            st.sampled_from([FORWARDED, FORWARDED_FOR]),
            st.booleans(),
        ),
        check,
    ),
)
