"""What Redis means by the errors that it answers with, and what to do, for nodes and observers."""

_MEANINGS = (
    (
        "used memory > 'maxmemory'",
        "it has no memory left for writes: raise its maxmemory, with maxmemory-policy volatile-lru",
    ),
    (
        "read only replica",
        "it is a replica, as after a failover: REDIS_URL must lead to the master "
        "(redis+sentinel:// follows it)",
    ),
    (
        "Link with MASTER is down",
        "it is a replica that has lost its master: REDIS_URL must lead to the master "
        "(redis+sentinel:// follows it)",
    ),
    ("loading the dataset", "it still reads its data from the disk: wait until it has"),
    ("Authentication required", "it asks for a password: write it into REDIS_URL, as :PASSWORD@HOST"),
    (
        "invalid username-password pair",
        "it does not know the user, or the password is wrong: correct them in REDIS_URL",
    ),
    (
        "without any password configured",
        "it has no password for its default user: take the one in REDIS_URL out, or set requirepass",
    ),
    (
        "no permissions to",
        "its user lacks a right: give it those of docker/users.acl",
    ),
    (
        "max number of clients reached",
        "it has no connection left: raise its maxclients, or find who holds them (CLIENT LIST)",
    ),
    (
        "Not enough good replicas",
        "it has fewer replicas than min-replicas-to-write: bring them back, or lower that",
    ),
    (
        "unable to persist",
        "it cannot save to the disk and so refuses writes: see its log, and its disk's free space",
    ),
    ("DB index is out of range", "it has no database of that number: correct the one in REDIS_URL"),
    ("protected mode", "it is in protected mode, so that it serves its own machine only: give it a password"),
    ("MOVED ", "it is a node of a Redis Cluster: what is needed is one server, or one behind sentinels"),
)
"""From what stands in an error of Redis or Valkey; redis-py may have cut its first word off."""


def explained(message: str) -> str:
    """An error's words, behind what they mean and what to do where that is known."""
    message = message.rstrip(".")
    meaning = _meaning(message)
    return message if meaning is None else f"{meaning} ({message})"


def is_known(message: str) -> bool:
    """Whether these are words that Redis refuses with, as far as they are known."""
    return _meaning(message) is not None


def _meaning(message: str) -> str | None:
    return next((meaning for words, meaning in _MEANINGS if words in message), None)
