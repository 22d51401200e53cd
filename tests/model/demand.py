"""Limits, and who asks for how much of them and when: parts of scenarios."""

from gateway.contract import window
from gateway.contract.limits import Limit
from tests.model.scenario import Change, Fault, Happening, Policy, Request, Window
from tests.model.sketch import MS, Sketch
from tests.model.world import MICROSECONDS


def policies(sketch: Sketch) -> None:
    for client in sketch.clients:
        windows = [Window("client", Limit(sketch.quota, sketch.period))]
        if sketch.random.random() < 0.25:
            longer = Limit(sketch.quota * 2 - sketch.random.choice((0, 0, 1)), sketch.period + 1)
            windows.append(Window("client", longer))
        if sketch.random.random() < 0.1:
            windows.append(Window("route-x", Limit(max(1, sketch.quota // 2), sketch.period), shadow=True))
        sketch.policies[client] = Policy(tuple(windows))
    sketch.costs = tuple(cost for cost in sketch.costs if cost <= max(1, sketch.quota // 2)) or (1,)


def several_nodes(sketch: Sketch) -> None:
    """At least two."""
    _add_nodes(sketch, 2)


def many_nodes_for_long(sketch: Sketch) -> None:
    """Four, for longer than a key lives."""
    _add_nodes(sketch, 4)
    sketch.windows = 3


def _add_nodes(sketch: Sketch, least: int) -> None:
    for node in range(sketch.nodes, least):
        sketch.weather[node], sketch.suspensions[node] = [], []
        sketch.ways += sketch.ways[:1]
    sketch.nodes = max(sketch.nodes, least)


def some_places(sketch: Sketch) -> None:
    sketch.quota = sketch.random.choice((3, 5, 8, 12))


def simple_policy(sketch: Sketch) -> None:
    sketch.clients = ["acme"]
    sketch.costs = (1,)
    sketch.policies["acme"] = Policy((Window("client", Limit(sketch.quota, sketch.period)),))


def one_window(sketch: Sketch) -> None:
    """Of one client, who may ask for several units at once."""
    costs = tuple(cost for cost in sketch.costs if cost <= sketch.quota) or (1,)
    simple_policy(sketch)
    sketch.costs = sketch.random.choice((costs, (sketch.quota,), (1,)))


def ask(sketch: Sketch, at: int, node: int | None = None, leaves: float = 0.0) -> None:
    pick = sketch.random
    leaves_at = at + pick.randrange(3 * MS) if leaves and pick.random() < leaves else None
    sketch.requests.append(
        Request(
            at,
            pick.randrange(sketch.nodes) if node is None else node,
            pick.choice(sketch.clients),
            pick.choice(sketch.costs),
            leaves_at,
        )
    )


def hammer(sketch: Sketch) -> None:
    """Ask all the time where places may come free: from a period after the last were taken."""
    pick = sketch.random
    step = sketch.tolerance // pick.choice((1, 2, 3))
    for _ in range(sketch.quota * 2):
        ask(sketch, sketch.start + pick.randrange(sketch.width))
    for turn in range(1, sketch.windows + 1):
        at = sketch.start + turn * sketch.period * MICROSECONDS - sketch.tolerance
        end = at + 3 * sketch.tolerance + turn * 2 * sketch.width
        while at < end:
            ask(sketch, at)
            at += 1 + pick.randrange(2 * step)


def borders(sketch: Sketch) -> None:
    """Take all places when a sub-interval ends, and ask for them when it leaves, as its border is stamped.

    What is lost of the tail, or of E, shows only there.
    """
    pick = sketch.random
    fill = sketch.border(sketch.start, 1)
    for _ in range(sketch.quota + 1):
        node = pick.randrange(sketch.nodes)
        ask(sketch, fill - sketch.ways[node] - pick.randrange(2 * sketch.tolerance), node)
    for turn in range(1, sketch.windows + 1):
        leaves = fill + turn * sketch.period * MICROSECONDS
        for number in range(4 + turn):
            for node in range(sketch.nodes):
                at = sketch.border(leaves, number) - sketch.ways[node] + pick.randrange(-300, 2 * MS)
                for _ in range(sketch.quota):
                    ask(sketch, at, node)


def crossing(sketch: Sketch) -> None:
    """Ask for everything at all nodes at once while one stamps a sub-interval and another the next."""
    pick = sketch.random
    start = sketch.start + 300 * MS  # each node has measured the way a few times then
    for turn in range(sketch.windows + 2):
        border = sketch.border(start + turn * (sketch.period * MICROSECONDS + 3 * sketch.width), 1)
        for node in range(sketch.nodes):
            at = border - sketch.ways[node] + pick.randrange(-sketch.tolerance, sketch.tolerance) // 2
            for _ in range(sketch.quota):
                ask(sketch, at, node)


def losses(sketch: Sketch) -> None:
    """Ask for more than there is, so that refunds are pending when Redis loses counts, and ask on after."""
    pick = sketch.random
    sketch.split_chance = pick.choice((0.04, 0.5))
    for turn in range(2 * sketch.windows):
        at = sketch.start + turn * sketch.period * MICROSECONDS // 2 + pick.randrange(sketch.width)
        for node in range(sketch.nodes):
            for _ in range(pick.choice((1, 2, 5)) * sketch.quota):
                ask(sketch, at + pick.randrange(2 * MS), node, leaves=0.1)
        at += pick.randrange(10 * MS)
        sketch.happenings.append(Happening(at, pick.choice((Fault.FLUSH, Fault.EVICT))))
        for _ in range(pick.choice((2, 4, 10)) * sketch.quota):
            ask(sketch, at + pick.randrange(pick.choice((2, 10, 20)) * MS))


def expiring(sketch: Sketch) -> None:
    """Ask again, at several nodes, in the moment in which an idle client's key expires."""
    pick = sketch.random
    sketch.split_chance = 0.8
    start = sketch.border(sketch.start, 1) + sketch.width // 4
    ask(sketch, start, 0)
    expires = start + sketch.ways[0] + window.key_lifetime_ms(sketch.period) * MS
    for node in range(sketch.nodes):
        at = expires - sketch.ways[node] + pick.randrange(-4 * MS, 4 * MS)
        for _ in range(sketch.quota):
            ask(sketch, at, node)


def stream(sketch: Sketch) -> None:
    """Ask one by one across a border, for twice as much as there is."""
    pick = sketch.random
    step = sketch.width // pick.choice((3, 6, 12))
    for turn in range(sketch.windows + 1):
        at = sketch.start + turn * (sketch.period * MICROSECONDS + 2 * sketch.width)
        for _ in range(2 * sketch.quota):
            at += pick.randrange(1, 2 * step)
            ask(sketch, at)


def bursts(sketch: Sketch) -> None:
    """Ask for more than there is at every node at once, near the ends of sub-intervals."""
    pick = sketch.random
    for turn in range(sketch.windows * 2):
        at = sketch.start + turn * sketch.period * MICROSECONDS // 2
        at += pick.choice((0, 0, sketch.width, 2 * sketch.width, 3 * sketch.width))
        spread = pick.choice((1, MS, sketch.tolerance, sketch.width))
        for _ in range(pick.randrange(1, 4)):
            at += pick.randrange(sketch.width)
            for _ in range(min(20, sketch.quota + 1)):
                ask(sketch, at + pick.randrange(spread))


def drizzle(sketch: Sketch) -> None:
    """Ask now and then."""
    for _ in range(sketch.windows * min(20, sketch.quota + 3)):
        ask(sketch, sketch.moment())


def leavers(sketch: Sketch) -> None:
    for _ in range(8):
        ask(sketch, sketch.moment(), leaves=0.7)


def policy_changes(sketch: Sketch) -> None:
    """Raises, cuts and resets; each node hears of it within a second."""
    pick = sketch.random
    for client in sketch.clients:
        policy = sketch.policies[client]
        heard = (0,) * sketch.nodes
        for at in sorted(sketch.moment() for _ in range(pick.randrange(1, 4))):
            kind = pick.choice(("raise", "raise", "lower", "reset"))
            generation = policy.generation + (kind == "reset")
            factor = {"raise": pick.choice((2, 4)), "lower": 0.5, "reset": 1}[kind]
            windows = tuple(
                Window(
                    each.scope,
                    Limit(max(1, int(each.limit.quota * factor)), each.limit.period_seconds),
                    each.shadow,
                )
                for each in policy.windows
            )
            policy = Policy(windows, generation)
            late = pick.choice((2, 50, 900)) * MS
            heard = tuple(max(last, at + pick.randrange(late)) for last in heard)
            sketch.changes.append(Change(client, policy, heard))
            for node, moment in enumerate(heard):
                for _ in range(4):
                    ask(sketch, moment + pick.randrange(-20 * MS, 20 * MS), node)


def raises(sketch: Sketch) -> None:
    """A client that has just been refused is given more, and asks again at once."""
    pick = sketch.random
    policy = sketch.policies["acme"]
    at = sketch.start
    for _ in range(3):
        at = sketch.border(at + pick.randrange(200 * MS, 400 * MS), 1)
        policy = Policy(
            tuple(
                Window(each.scope, Limit(each.limit.quota * 4, each.limit.period_seconds), each.shadow)
                for each in policy.windows
            )
        )
        sketch.changes.append(Change("acme", policy, (at + 2 * MS,) * sketch.nodes))
        for node in range(sketch.nodes):
            for _ in range(sketch.quota * 2):
                ask(sketch, at + pick.randrange(5 * MS), node)


def long(sketch: Sketch) -> None:
    """Steady demand for twenty periods: what is admitted is compared with what could have been."""
    pick = sketch.random
    sketch.period = 1
    sketch.windows = 20
    sketch.quota = pick.choice((5, 10, 20))
    sketch.nodes = min(sketch.nodes, 3)
    simple_policy(sketch)
    rate = pick.choice((0.9, 1.0, 4.0)) * sketch.quota
    at = float(sketch.start)
    end = sketch.start + 20.9 * MICROSECONDS
    while (at := at + pick.expovariate(rate) * MICROSECONDS) < end:
        ask(sketch, int(at))
