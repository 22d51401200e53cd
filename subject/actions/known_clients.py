"""Whether a text names a client that can be acted on.

A text of a name's form may be an API key, and what is written for it is there for all to see. So it must be
known to a node, and no refusal repeats it.
"""

from gateway.contract import client_id
from subject.cluster.policies import Policies
from subject.errors import SHOWN, UsageError


def checked(client: str) -> str:
    """The client id, if it has the form of one.

    Raises:
        UsageError: it has not. The text is not repeated, since it may be a key.
    """
    if not client_id.is_client_id(client):
        raise UsageError(
            "that is no client id: write a registered client's name, k_ and 16 hex digits, or an address, "
            "of IPv6 its network as in 2001:db8::/64 (subject whois tells the id of an API key)"
        )
    return client


def check_known(client: str, policies: Policies) -> str:
    """The client, if a node knows it or there is a live change for it.

    Raises:
        UsageError: neither. The name is not repeated in full, since it may be a key.
    """
    if not policies.is_client(client) and not policies.is_changed(client):
        raise unknown(client, policies)
    return client


def chosen(client: str | None, policies: Policies) -> list[str]:
    """The client that was named; of none, all that have a limit of their own. Raises as `check_known`."""
    return policies.with_limits_of_their_own if client is None else [check_known(client, policies)]


def unknown(client: str, policies: Policies) -> UsageError:
    """The refusal of a name that no node knows."""
    known = ", ".join(sorted(policies.registered)[:5]) or "none"
    if client.startswith(client_id.UNKNOWN_PREFIX):
        return UsageError(
            f"nodes accept registered keys only, so none of them uses {client} (registered: {known}); "
            "with GATEWAY_CLIENTS_FILE set, subject whois names the client of a key"
        )
    if client_id.is_address_id(client):
        return UsageError(f"nodes take no request without a key, so {client} is no client of theirs")
    shown = client if len(client) <= SHOWN else client[:SHOWN] + "…"
    return UsageError(
        f"no node knows a client {shown} (registered: {known}); "
        "subject top lists who sends, subject whois tells the id of an API key"
    )
