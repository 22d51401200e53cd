"""What an operator does about a scenario, and the figure by which it shows whether that helped, as values."""

import shlex
from dataclasses import dataclass, field

from gateway.contract.limits import Limit


@dataclass(frozen=True, slots=True)
class SetLimit:
    """A limit that the operator chooses; it ends by itself after `duration`, as ``--for`` has it.

    `because` says why this is done, and not what the subject suggests.
    """

    client_id: str
    limit: Limit
    why: str
    duration: str
    because: str = field(kw_only=True)

    @property
    def command(self) -> str:
        """As it is typed."""
        words = ("limits", "set", self.client_id, str(self.limit), "--why", self.why, "--for", self.duration)
        return shlex.join(("subject", *words))


@dataclass(frozen=True, slots=True)
class AsSuggested:
    """The command that the subject suggests with its finding, which has to set a limit; `because` says why it
    is what this operator wants."""

    because: str


@dataclass(frozen=True, slots=True)
class Outside:
    """Nothing that the product could do: somebody else ends the cause, who does what `words` say."""

    words: str


Action = SetLimit | AsSuggested | Outside


@dataclass(frozen=True, slots=True)
class RefusedRatio:
    """Of a client's requests in the last ten seconds."""

    client_id: str


@dataclass(frozen=True, slots=True)
class UpstreamRate:
    """Requests a second that reach the upstream."""


@dataclass(frozen=True, slots=True)
class NodeRatio:
    """Of the requests that reach the upstream those that one node sends on."""

    node_id: str


@dataclass(frozen=True, slots=True)
class WaySeconds:
    """The median time of a request from its client to the upstream."""


Figure = RefusedRatio | UpstreamRate | NodeRatio | WaySeconds


@dataclass(frozen=True, slots=True)
class Remedy:
    """An action has helped when the figure, which was above `goal`, no longer is; and where it `closes` what
    was found, when that is no longer there.

    The cause goes on meanwhile, unless the action is `Outside`.
    """

    action: Action
    figure: Figure
    goal: float
    closes: bool = True

    @property
    def is_outside(self) -> bool:
        """Whether the product can do nothing about it."""
        return isinstance(self.action, Outside)
