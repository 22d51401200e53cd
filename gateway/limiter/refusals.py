"""Errors in place of a count, by their first words: what they are about."""

from gateway.errors import StoreUnavailable

_OF_ONE_KEY = ("WRONGTYPE", "ERR hash value is not an integer", "ERR increment or decrement would overflow")
_OF_THIS_SERVER = ("READONLY", "MASTERDOWN", "LOADING", "NOAUTH")


def is_of_one_key(reply: str) -> bool:
    """Only this key is damaged."""
    return reply.startswith(_OF_ONE_KEY)


def is_of_this_server(reply: str) -> bool:
    """This server does not count, and another one at the same address may."""
    return reply.startswith(_OF_THIS_SERVER)


def not_counted(reply: object) -> StoreUnavailable:
    """What such an error is for who waits for a count."""
    return StoreUnavailable(f"Redis refuses to count: {reply}")
