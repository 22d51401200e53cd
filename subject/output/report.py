"""What a person sees: tables and sentences, in a terminal with colour, elsewhere as plain text."""

from collections.abc import Sequence

from rich.padding import Padding
from rich.table import Table

from gateway.contract.overrides import Override
from gateway.contract.records import TOP_CLIENTS
from subject.cluster import metrics
from subject.cluster.policies import Policies
from subject.cluster.rankings import Order, Ranked, most_refused, nearest, ranked
from subject.cluster.snapshot import Snapshot
from subject.diagnosis.problems import Diagnosis, Problem
from subject.figures import moment, percent
from subject.finding import CLUSTER, Finding
from subject.output.console import Sheet, styled
from subject.output.policy_lines import limit_told, policy_lines, standing, window_rows
from subject.output.status_lines import status_lines, well
from subject.output.wording import UNKNOWN, short, sure, told, why

TOP_ROWS = 20
LIMITS_ROWS = 200
RANKED = 5
WORTH_TELLING = 0.05
"""The confidence from which a further cause is shown; JSON has all."""
STYLES = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
UNSEEN = "No node can be seen: the clients are not known."
NODES_LEGEND = (
    "Of the last 10 s. p50, p99: latency of forwarded requests in ms; Redis: 99 % of its "
    "round trips in ms; alone: decided without Redis. seen: time since the last record"
)
NODES_SPARE = ("address", "CPU", "p50", "Redis", "seen", "failed", "p99", "alone")
TOP_SPARE = ("±", "left", "in window", "used", "limit")
LIMITS_SPARE = ("left", "in window", "set by")
"""Columns that a narrow terminal does without, the least needed first."""
SHADOW_LEGEND = "; shadow: let through, though policies in shadow would have refused"
STATE_STYLES = {"Up": "green", "Down": "bold red", "Offline": "dim"}


class Report(Sheet):
    """What commands show of a snapshot and its diagnosis."""

    def status(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        """The cluster in a few lines."""
        self._summaries(snapshot, diagnosis)
        grid = Table.grid(padding=(0, 2))
        for name, text in status_lines(snapshot).items():
            grid.add_row(styled((name, "bold")), text)
        self._print(grid)
        self._unanswered(snapshot.unanswered)
        self._unreadable(snapshot.unreadable)

    def nodes(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        """Each node in a line."""
        self._headline(diagnosis)
        table = self._table("node", "address", "state")
        shadowed = any(node.totals.shadow_refused for node in snapshot.nodes)
        shadow = ("shadow",) if shadowed else ()
        for name in ("req/s", "refused", *shadow, "failed", "p50", "p99", "Redis", "alone", "CPU", "seen"):
            table.add_column(name, justify="right", no_wrap=True)
        for node in snapshot.nodes:
            now = metrics.of_node(snapshot, node)
            numbers = (
                f"{now.rate:,.1f}",
                percent(now.rejection_ratio),
                *([percent(now.shadow_ratio)] if shadowed else []),
                percent(now.failure_ratio),
                short(now.latency_p50_ms),
                short(now.latency_p99_ms),
                short(now.store_p99_ms),
                percent(now.fallback_ratio),
                f"{now.cpu_percent:.0f} %",
            )
            table.add_row(
                node.id,
                node.address,
                styled((node.state, STATE_STYLES[node.state])),
                *(numbers if node.is_up and snapshot.sees else [UNKNOWN] * len(numbers)),
                _duration(snapshot.at - node.last.at),
            )
        for node_id in snapshot.unread_nodes:
            unknown = [UNKNOWN] * (len(table.columns) - 3)
            table.add_row(node_id, UNKNOWN, styled(("Down", STATE_STYLES["Down"])), *unknown)
        self._print_table(table, NODES_SPARE)
        self._print(NODES_LEGEND + (SHADOW_LEGEND if shadowed else ""), style="dim")
        self._unanswered(snapshot.unanswered)

    def top(self, snapshot: Snapshot, diagnosis: Diagnosis, order: Order = "busiest") -> None:
        """Each client in a line."""
        self._headline(diagnosis)
        if not snapshot.sees:
            self._print(UNSEEN)
            return
        clients = ranked(snapshot, order)
        if not clients:
            self._print("No client has sent anything in the last ten seconds.")
            return
        table = self._table("client")
        for name in ("req/s", "±", "refused/s"):
            table.add_column(name, justify="right")
        table.add_column("limit")
        for name in ("in window", "left", "used"):
            table.add_column(name, justify="right")
        windows = snapshot.windows_by_client
        for one in clients[:TOP_ROWS]:
            now, used = one.now, one.used_ratio
            table.add_row(
                one.client,
                f"{now.rate:,.1f}",
                f"{now.error:,.1f}" if now.error else "",
                styled((f"{now.refused_rate:,.1f}", "yellow" if now.refused_rate else "")),
                limit_told(snapshot.policies.applied_to(one.client)),
                *standing(windows.get(one.client, [])),
                UNKNOWN if used is None else percent(used),
            )
        self._print_table(table, TOP_SPARE)
        further = len(clients) - TOP_ROWS
        if further > 0:
            self._print(f"and {further:,} more: subject top --json")
        self._rankings(snapshot, clients)

    def _rankings(self, snapshot: Snapshot, clients: Sequence[Ranked]) -> None:
        first = most_refused(clients, RANKED)
        refused = [f"{one.client} {one.now.refused_rate:,.1f} a second" for one in first]
        if refused:
            self._print(f"Most refused: {', '.join(refused)}")
        used = [f"{one.client} {percent(ratio)}" for ratio, one in nearest(clients, RANKED)]
        if used:
            self._print(f"Nearest to their limits: {', '.join(used)}")
        unlisted = metrics.unlisted_rate(snapshot)
        if unlisted:
            self._print(
                f"Of the last 10 s. Each node lists {TOP_CLIENTS} clients: one that none lists may have some "
                f"{unlisted:,.1f} a second; ± is what nodes that do not list it may add",
                style="dim",
            )

    def limits(self, snapshot: Snapshot, diagnosis: Diagnosis, clients: Sequence[str]) -> None:
        """The default, the plans, and the limits of `clients`."""
        self._headline(diagnosis)
        policies, redis = snapshot.policies, snapshot.redis
        if not redis.connected:
            self._print(f"The limits stand in Redis, which {redis.trouble}.")
            return
        if policies.table is None:
            self._print("No node has published its limits.")
        else:
            for line in policy_lines(policies.table):
                self._print(line)
        if clients:
            self._limits_of(snapshot, clients)
        else:
            self._print("No client has a limit of its own, and none was set live.")
        self._unreadable(snapshot.unreadable)

    def _limits_of(self, snapshot: Snapshot, clients: Sequence[str]) -> None:
        """As many as a person reads, and Rich draws quickly, those first that were set live; else all."""
        live, windows = snapshot.policies.overrides.limits, snapshot.windows_by_client
        if not self.plain and len(clients) > LIMITS_ROWS:
            shown = sorted(clients, key=lambda client: client not in live)[:LIMITS_ROWS]
        else:
            shown = list(clients)
        table = self._table("client", "limit")
        for name in ("in window", "left"):
            table.add_column(name, justify="right")
        table.add_column("set by", overflow="fold")
        for client in shown:
            table.add_row(
                client,
                _limit_for_now(snapshot.policies, client, snapshot.at),
                *standing(windows.get(client, [])),
                _set_by(live.get(client), snapshot.at),
            )
            for row in window_rows(windows.get(client, [])):
                table.add_row(*row, "")
        self._print_table(table, LIMITS_SPARE, prose=("limit", "set by"))
        further = len(clients) - len(shown)
        if further > 0:
            self._print(f"and {further:,} more: subject limits | less")

    def diagnosis(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        """Each problem in a paragraph."""
        if diagnosis.healthy:
            self._well(snapshot)
            return
        for place, problem in enumerate(diagnosis.problems):
            if place:
                self._print()
            self._problem(problem)

    def _problem(self, problem: Problem) -> None:
        found = problem.finding
        head = styled(
            (found.severity, STYLES[found.severity]),
            "  ",
            (found.code, "bold"),
            f"  {sure(found)}",
        )
        self._print(head)
        evidence = "; ".join(told(item) for item in found.evidence)
        self._print(Padding(f"{found.summary}. Likely: {found.likely_cause}.", (0, 0, 0, 2)))
        grid = Table.grid(padding=(0, 2))
        grid.add_row("", styled(("Evidence", "dim")), evidence)
        first, *others = problem.causes
        grid.add_row("", styled(("Why", "dim")), f"that cause is {why(first, named=False)}")
        for cause in others:
            if cause.confidence >= WORTH_TELLING:
                grid.add_row("", styled(("Or", "dim")), why(cause, named=True))
        for symptom in problem.symptoms:
            grid.add_row(
                "", styled(("Explains", "dim")), styled((symptom.code, "bold"), f"  {symptom.summary}")
            )
        grid.add_row("", styled(("Do", "dim")), styled((found.suggested_action, "bold")))
        grid.add_row("", styled(("Look at", "dim")), styled((found.verify_with, "bold")))
        self._print(grid)

    def _summaries(self, snapshot: Snapshot, diagnosis: Diagnosis) -> None:
        if diagnosis.healthy:
            self._well(snapshot)
        else:
            self._findings(diagnosis)

    def _findings(self, diagnosis: Diagnosis) -> None:
        for found in diagnosis.findings:
            self._print(styled((f"{found.code}: ", STYLES[found.severity]), f"{found.summary}."))
        self._print("More: subject diagnose", style="dim")
        self._print()

    def _well(self, snapshot: Snapshot) -> None:
        text, style = well_told(snapshot)
        self._print(text, style=style)

    def _headline(self, diagnosis: Diagnosis) -> None:
        if diagnosis.healthy:
            return
        if diagnosis.blind:
            self._findings(diagnosis)
            return
        names: list[str | tuple[str, str]] = []
        for found in diagnosis.findings:
            names += [", ", (found.code, STYLES[found.severity]), _of_whom(found)]
        self._print(styled("Found: ", *names[1:], ". More: subject diagnose"))
        self._print()

    def _unanswered(self, addresses: Sequence[str]) -> None:
        if addresses:
            self._print(f"Of SUBJECT_NODES no answer from: {', '.join(addresses)}", style="bold red")

    def _unreadable(self, entries: Sequence[str]) -> None:
        if entries:
            self._print(f"Unreadable in Redis, left out: {', '.join(entries)}", style="yellow")


def well_told(snapshot: Snapshot) -> tuple[str, str]:
    """What is said where nothing was found, and its style."""
    return well(snapshot), "yellow" if snapshot.stopped_in_order else "green"


def _of_whom(found: Finding) -> str:
    return "" if found.subject == CLUSTER else f" {found.subject.id}"


def _limit_for_now(policies: Policies, client: str, now: float) -> str:
    """With until when it holds, where it ends by itself, and what comes then."""
    override = policies.overrides.limits.get(client)
    limit = limit_told(policies.applied_to(client))
    if override is None or override.until is None:
        return limit
    return f"{limit} until {moment(override.until, now)}, then {limit_told(policies.usual_of(client))}"


def _set_by(override: Override | None, now: float) -> str:
    if override is None:
        return ""
    return f"{override.by} at {moment(override.at, now)}" + (f": {override.why}" if override.why else "")


def _duration(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
