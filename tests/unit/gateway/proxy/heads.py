"""Request heads as the reader gives them."""

from gateway.http.fields import Fields, Version
from gateway.http.request_parser import RequestHead


def request(
    fields: Fields,
    method: str = "GET",
    target: bytes = b"/",
    version: Version = (1, 1),
    length: int | None = 0,
) -> RequestHead:
    """A head with these fields."""
    host = b"".join(value for name, value in fields if name.lower() == b"host")
    return RequestHead(
        method,
        target,
        version,
        fields,
        host,
        length,
        keep_alive=version == (1, 1),
        expects_continue=False,
        upgrade=b"",
    )
