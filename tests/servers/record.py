"""A line of JSON for each request that a server saw whole, in the file that ``SEEN`` names."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass

VARIABLE = "SEEN"


@dataclass(frozen=True, slots=True)
class Record:
    """One request; `target` as the server was sent it, as far as it tells."""

    method: str
    target: str
    length: int
    digest: str


def record_of(method: str, target: str, body: bytes) -> Record:
    """What is written for a request."""
    return Record(method, target, len(body), hashlib.sha256(body).hexdigest())


def write(record: Record) -> None:
    """Append a line, in one piece."""
    line = json.dumps(asdict(record)) + "\n"
    file = os.open(os.environ[VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def read(line: str) -> Record:
    """What a line says."""
    return Record(**json.loads(line))
