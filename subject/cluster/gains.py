"""What a node's listed clients have more than before: lists change, and their counts are cumulative."""

from collections.abc import Mapping, Sequence

from gateway.contract.records import ClientCount


def gains(
    known: Mapping[str, ClientCount],
    earlier: Sequence[ClientCount],
    later: Sequence[ClientCount],
    at_most: int,
) -> dict[str, int]:
    """How much each client of the later list added since the earlier one; `at_most` is what all added.

    Units less error is what was counted since a client was last taken into the sketch; the same error means
    that it was not taken in again. For a client of both lists, and for a new one where the earlier list had
    room, this is exact. One that comes back into a full list may have been counted unlisted meanwhile: it
    gets what it has more than when it was last listed (`known`), but all such clients together no more than
    the others leave.
    """
    was_full = bool(earlier) and len(later) <= len(earlier)
    listed = {client for client, _, _ in earlier} if was_full else set[str]()
    exact: dict[str, int] = {}
    returning: dict[str, int] = {}
    for client, units, error in later:
        last = known.get(client)
        gain = units - (last.units if last is not None and last.error == error else error)
        if gain > 0:
            (exact if client in listed or not was_full else returning)[client] = gain
    if not returning:
        return exact
    left = max(0, at_most - sum(exact.values()))
    for place, (client, gain) in enumerate(sorted(returning.items(), key=lambda item: item[1])):
        share = min(gain, left // (len(returning) - place))
        if share:
            exact[client] = share
            left -= share
    return exact
