"""What was measured, as JSON: the machine, the peers, each measurement, and the aims."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from loadtest import machine
from loadtest.bench.aims import AIMS
from loadtest.bench.peers.peer import Peer
from loadtest.bench.results import Results


def text(results: Results, peers: Sequence[Peer]) -> str:
    """The whole of it."""
    aims = [
        {
            "what": aim.what,
            **asdict(found),
            "at_most": aim.most,
            "reached": found.median <= aim.most,
        }
        for aim in AIMS
        if (found := aim.found(results))
    ]
    whole = {
        "machine": machine.described(),
        "peers": {peer.name: peer.version() for peer in peers},
        "samples": [asdict(sample) for sample in results.samples],
        "aims": aims,
    }
    return json.dumps(whole, indent=1) + "\n"
