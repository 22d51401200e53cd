"""``python -m tests.soak``: good and bad traffic for a long time; exits 1 where anything grows or goes wrong.

``--seconds 3600 --rps 500`` takes an hour and a machine to itself.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import uvloop

from tests.soak.soak import Outcome, soaked


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="how long (300)")
    parser.add_argument(
        "--rps", type=float, default=500.0, help="requests a second, if the machine can (500)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the mixture (1)")
    parser.add_argument("--json", action="store_true", help="print all figures as one object")
    options = parser.parse_args(arguments)
    outcome = uvloop.run(soaked(options.seconds, options.rps, options.seed))
    if options.json:
        sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
    sys.stderr.write(told_of(outcome))
    return int(not all(finding.holds for finding in outcome.findings))


def told_of(outcome: Outcome) -> str:
    """All of it for people."""
    lines = [f"{count:9} {what}" for what, count in outcome.outcomes.items()]
    lines += [f"UNEXPECTED {count} {what}" for what, count in outcome.unexpected.items()]
    lines += [f"IN THE LOG {line}" for line in outcome.log_errors[:20]]
    lines += [str(finding) for finding in outcome.findings]
    megabytes = [of.rss_bytes / 1e6 for of in (outcome.before, *outcome.samples, outcome.after)]
    lines.append(
        f"{outcome.requests} requests, {outcome.per_second:.0f} a second, "
        f"on {outcome.most_connections} connections at a time at most; memory {megabytes[0]:.1f} MB before, "
        f"{min(megabytes[1:-1]):.1f} to {max(megabytes[1:-1]):.1f} MB, {megabytes[-1]:.1f} MB after"
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
