"""Fields that tell of limits, of an upstream and of this node, in one answer. No IO.

draft-ietf-httpapi-ratelimit-headers-10: ``RateLimit-Policy`` and ``RateLimit`` are lists of structured items
(RFC 9651 §3.1), each named by its policy. A client reads all lines of a field as one list, and drops the
whole list where a part of it is malformed.
"""

import re
from collections.abc import Iterator

from gateway.fields import Fields

_LISTS = frozenset({b"ratelimit-policy", b"ratelimit"})
_LEGACY = b"x-ratelimit-"
_UPSTREAM = b"upstream/"
"""Before the name of an upstream's policy that is also one of this node's: no name of ours begins so."""

# RFC 9651 §3.3: integers and decimals, strings, tokens, byte sequences, booleans, dates, display strings
_BARE = (
    rb'(?:-?[0-9]{1,15}(?:\.[0-9]{1,3})?|"(?:[ !#-\[\]-~]|\\["\\])*"'
    rb"|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*|:[A-Za-z0-9+/=]*:|\?[01]|@-?[0-9]{1,15}"
    rb'|%"(?:[ !#$&-~]|%[0-9a-f]{2})*")'
)
_PARAMETERS = rb"(?:;[ ]*[a-z*][a-z0-9_.*-]*(?:=%b)?)*" % _BARE
_ITEM = _BARE + _PARAMETERS
_INNER_LIST = rb"\([ ]*(?:%b(?:[ ]+%b)*[ ]*)?\)%b" % (_ITEM, _ITEM, _PARAMETERS)
_MEMBER = re.compile(rb"(%b|%b)(?:[ \t]*,[ \t]*(?!\Z)|\Z)" % (_ITEM, _INNER_LIST))
_NAME = re.compile(rb'"(?:[ !#-\[\]-~]|\\["\\])*"')


def beside(theirs: Fields, ours: Fields) -> tuple[Fields, Fields]:
    """The upstream's fields without those that ours take in or replace, and ours with what they took in.

    Ours come first in a list. `ours` has any fields; those that do not tell of limits stay as they are.
    """
    names = {name.lower() for name, _ in ours}
    if not any(b"ratelimit" in name.lower() for name, _ in theirs):
        return theirs, ours
    own_policies = frozenset(name for name in map(_name_of, _members(ours)) if name)
    taken = {name: _taken_in(theirs, name, own_policies) for name in names & _LISTS}
    is_legacy = any(name.startswith(_LEGACY) for name in names)
    left = [
        (name, value)
        for name, value in theirs
        if name.lower() not in taken and not (is_legacy and name.lower().startswith(_LEGACY))
    ]
    return left, [(name, b", ".join([value, *taken.get(name.lower(), ())])) for name, value in ours]


def _taken_in(theirs: Fields, wanted: bytes, own_policies: frozenset[bytes]) -> list[bytes]:
    value = b", ".join(value for name, value in theirs if name.lower() == wanted and value)
    return [_renamed(member, own_policies) for member in members_of(value) or []]


def _members(fields: Fields) -> Iterator[bytes]:
    for name, value in fields:
        if name.lower() in _LISTS:
            yield from members_of(value) or []


def members_of(value: bytes) -> list[bytes] | None:
    """The members of a structured list, as they were written; None where it is none (RFC 9651 §4.2.1)."""
    members, position, value = [], 0, value.strip(b" ")
    while position < len(value):
        member = _MEMBER.match(value, position)
        if member is None:
            return None
        members.append(member[1])
        position = member.end()
    return members


def _name_of(member: bytes) -> bytes | None:
    name = _NAME.match(member)
    return None if name is None else name[0]


def _renamed(member: bytes, own_policies: frozenset[bytes]) -> bytes:
    return b'"' + _UPSTREAM + member[1:] if _name_of(member) in own_policies else member
