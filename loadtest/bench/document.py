"""What was measured, as JSON: the machine, the peers, each measurement, and the promises."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from loadtest.bench import machine
from loadtest.bench.peers.peer import Peer
from loadtest.bench.promises import PROMISES
from loadtest.bench.results import Results


def text(results: Results, peers: Sequence[Peer]) -> str:
    """The whole of it."""
    promises = [
        {
            "what": promise.what,
            **asdict(found),
            "at_most": promise.most,
            "holds": found.median <= promise.most,
        }
        for promise in PROMISES
        if (found := promise.found(results))
    ]
    whole = {
        "machine": machine.described(),
        "peers": {peer.name: peer.version() for peer in peers},
        "samples": [asdict(sample) for sample in results.samples],
        "promises": promises,
    }
    return json.dumps(whole, indent=1) + "\n"
