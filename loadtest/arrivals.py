"""Reading the upstream's log."""

import json
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qs, urlsplit

from loadtest.verdict import Passage


def passages(lines: Iterable[str]) -> Iterator[Passage]:
    """The requests of the load generator: those with an API key, and the time of sending in their target."""
    for line in lines:
        record = json.loads(line)
        sent = parse_qs(urlsplit(record["target"]).query).get("sent")
        if record["key"] is not None and sent is not None:
            yield Passage(float(sent[0]), record["at"], record["key"])
