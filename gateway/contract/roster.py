"""A node's entry in the roster hash, under its id. Entries do not expire."""

from dataclasses import dataclass

from gateway.contract.telemetry import TelemetryRecord

FORGET_AFTER_SECONDS = 600
"""A node that left in order is listed this long."""


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """Who a node is, where it is reached, and the last that it said."""

    address: str  # host:port of the gateway, as others reach it
    admin_address: str  # host:port of its admin listener
    version: str
    policy_digest: str
    last: TelemetryRecord
