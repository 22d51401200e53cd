"""The form of REDIS_URL, the same for nodes and observers."""

import re

_HOST = r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
_TCP = re.compile(
    rf"rediss?://([^/?#@\s]*@)?{_HOST}(:(?P<port>[0-9]{{1,5}}))?(/[0-9]{{0,5}})?", re.ASCII | re.IGNORECASE
)
_SOCKET = re.compile(r"unix://([^/?#@\s]*@)?/[^?#\s]+(\?db=[0-9]{1,5})?", re.ASCII | re.IGNORECASE)


def check_redis_url(text: str) -> str:
    """`text`, if it is the address of a Redis.

    Raises:
        ValueError: with what would be right; the message does not repeat the text, which may hold a password.
    """
    tcp = _TCP.fullmatch(text)
    if (tcp is None or not 0 < int(tcp["port"] or 6379) < 65536) and _SOCKET.fullmatch(text) is None:
        raise ValueError(
            "write redis://HOST:PORT/DATABASE, rediss://HOST:PORT/DATABASE or unix:///PATH?db=DATABASE, "
            "with USER:PASSWORD@ in front of the host or path where needed"
        )
    return text
