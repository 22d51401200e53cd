"""What the subject prints of a cluster, as a terminal has it."""

import io
from collections.abc import Sequence

from gateway.contract.limits import parse_limits
from gateway.contract.routes import Route
from subject.cluster.snapshot import Snapshot
from subject.cluster.windows import ClientWindow
from subject.diagnosis.problems import diagnose
from subject.output.console import PrintableConsole
from subject.output.report import Report
from tests.unit.subject.builders import (
    THRESHOLDS,
    always,
    cluster,
    even,
    policies,
)


def shown(
    command: str,
    found: Snapshot,
    width: int = 80,
    clients: Sequence[str] = ("acme",),
    *,
    plain: bool = False,
) -> str:
    """What a command prints in a terminal of that width, without colour."""
    out = io.StringIO()
    report = Report(PrintableConsole(file=out, width=width, color_system=None), plain=plain)
    diagnosis = diagnose(found, THRESHOLDS)
    if command == "limits":
        report.limits(found, diagnosis, clients)
    else:
        getattr(report, command)(found, diagnosis)
    return out.getvalue()


HEALTHY = cluster(
    *even(always(60), clients={"acme": always(3)}), seconds=30, policies=policies(clients={"acme": "9/s"})
)
EVERYTHING = cluster(
    *even(always(60)),
    seconds=30,
    policies=policies(
        "10/s,500/m",
        {"acme": "9/s"},
        default_concurrency=5,
        shadow=True,
        address_limit=parse_limits("700/m"),
        routes=(
            Route("search", "/api/search", ("GET",), parse_limits("5/s"), cost=3),
            Route("pages", "/", host="*.example.org", upstream="pages"),
            Route("rest", "/", limit=parse_limits("50/s"), shadow=True),
        ),
        exempt=("OPTIONS", "GET /health"),
        allow=("acme",),
        deny=("10.0.0.0/8",),
        anonymous="address",
    ),
    windows=[
        ClientWindow("acme", "client", 4, 9, 1),
        ClientWindow("acme", "route/search", 5, 5, 1),
    ],
)
