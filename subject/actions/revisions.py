"""Which state of a client's live limit is meant: a text that another state has not."""

import hashlib

from gateway.contract.overrides import Override
from gateway.contract.records import encode
from subject.cluster.policies import Policies
from subject.errors import ConflictError
from subject.figures import moment

NONE = "none"
"""Of a client without a live limit."""


def revision(override: Override | None) -> str:
    """`NONE`, or 8 hex digits of what was set, by whom and when."""
    if override is None:
        return NONE
    return hashlib.blake2b(encode(override).encode(), digest_size=4).hexdigest()


def check_revision(client: str, policies: Policies, wanted: str | None, at: float) -> None:
    """Whether a client's live limit is the one that was seen; None is any.

    Raises:
        ConflictError: it is another one.
    """
    standing = policies.overrides.limits.get(client)
    now = revision(standing)
    if wanted in (None, now):
        return
    what = "no live limit"
    if standing is not None:
        what = f"{standing.limit}, set by {standing.by} at {moment(standing.at, at)}"
    raise ConflictError(
        f"{client} was changed meanwhile: it has {what} (revision {now}, not {wanted}), and that was left as "
        f"it is; look at subject limits get {client}"
    )
