"""W3C Trace Context (level 2): passed on as it came where it is well-formed, else left out. No IO.

The node makes no spans of its own.
"""

import re

from gateway.fields import RawHeaders

TRACEPARENT = b"traceparent"
TRACESTATE = b"tracestate"
MAX_MEMBERS = 32

_LENGTHS = frozenset({len(TRACEPARENT), len(TRACESTATE)})
# §3.2: version 00 ends after the flags, a later one may go on behind a hyphen; no version ff, no id of zeros.
_TRACEPARENT = re.compile(
    rb"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<more>-.*)?"
)
# §3.3.1.3: a key of at most 256, and a value of at most 256 without commas, "=", and a space at its end.
_MEMBER = re.compile(rb"(?P<key>[a-z0-9][a-z0-9_\-*/@]{0,255})=[ -+\--<>-~]{0,255}[!-+\--<>-~]")


def trace_fields_left_out(fields: RawHeaders) -> frozenset[bytes]:
    """Which of the two do not go on, in lower case.

    ``tracestate`` says nothing without a sound ``traceparent``, but not the other way round (§3.3, §4.3).
    """
    sent = [(name.lower(), value) for name, value in fields if len(name) in _LENGTHS]
    parents = [value for name, value in sent if name == TRACEPARENT]
    states = [value for name, value in sent if name == TRACESTATE]
    left_out = set()
    if parents and not _is_parent(parents):
        left_out.add(TRACEPARENT)
    if states and (not parents or left_out or not _is_state(states)):
        left_out.add(TRACESTATE)
    return frozenset(left_out)


def _is_parent(values: list[bytes]) -> bool:
    match = _TRACEPARENT.fullmatch(values[0])
    return len(values) == 1 and match is not None and not (match["version"] == b"00" and match["more"])


def _is_state(values: list[bytes]) -> bool:
    """One list over all its fields, in which members may be empty and each has a key of its own (§3.3.1)."""
    listed = [member.strip(b" \t") for value in values for member in value.split(b",")]
    members = [_MEMBER.fullmatch(member) for member in listed if member]
    keys = {member["key"] for member in members if member is not None}
    return len(members) <= MAX_MEMBERS and len(keys) == len(members)
