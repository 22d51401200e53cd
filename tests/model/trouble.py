"""What goes wrong: parts of scenarios."""

from tests.model.network import Weather
from tests.model.scenario import Fault, Happening, Suspension
from tests.model.sketch import MS, Sketch
from tests.model.world import MICROSECONDS


def jitter(sketch: Sketch) -> None:
    """Each message takes up to 2E: stamps are off by up to E in either direction, and more."""
    for node in range(sketch.nodes):
        low = sketch.random.choice((50, 50, sketch.tolerance))
        most = low + sketch.random.choice((sketch.tolerance, 2 * sketch.tolerance, 2 * sketch.tolerance))
        sketch.ways[node] = (low + most) // 2
        sketch.weather[node].append(Weather(0, sketch.end + 100 * MS, low, most))


def spikes(sketch: Sketch) -> None:
    """Some messages take much longer."""
    pick = sketch.random
    chance = pick.choice((0.03, 0.1, 0.3))
    most = pick.choice((20, 60, 200)) * MS
    for node in range(sketch.nodes):
        if pick.random() < 0.7:
            sketch.weather[node].append(Weather(sketch.start, sketch.end, 5 * MS, most, chance))


def very_slow(sketch: Sketch) -> None:
    pick = sketch.random
    start = sketch.moment()
    node = pick.randrange(sketch.nodes)
    sketch.weather[node].append(
        Weather(start, start + pick.randrange(MICROSECONDS), 50 * MS, 2 * MICROSECONDS, 0.5)
    )


def node_stalls(sketch: Sketch) -> None:
    pick = sketch.random
    for node in range(sketch.nodes):
        for _ in range(pick.randrange(4)):
            ticks = pick.choice((2, 8, 20, 45, 120, 400)) * MS
            sketch.suspensions[node].append(Suspension(sketch.moment(), ticks, pick.randrange(6)))


def redis_stalls(sketch: Sketch) -> None:
    pick = sketch.random
    for _ in range(pick.randrange(5)):
        ticks = pick.choice((2, 6, 15, 40, 100)) * MS
        sketch.redis_suspensions.append(Suspension(sketch.moment(), ticks, pick.randrange(1, 8)))


def breaks(sketch: Sketch) -> None:
    """One to three faults of any kind."""
    pick = sketch.random
    for _ in range(pick.randrange(1, 4)):
        fault = pick.choice(tuple(Fault))
        detail = pick.choice(("OOM", "READONLY", "LOADING", "MASTERDOWN", "NOAUTH"))
        sketch.happenings.append(
            Happening(
                sketch.moment(),
                fault,
                pick.randrange(sketch.nodes),
                pick.choice((5, 30, 100, 400, 1500)) * MS,
                detail,
            )
        )


def cuts(sketch: Sketch) -> None:
    """Connections are reset again and again, in the midst of things."""
    pick = sketch.random
    for _ in range(pick.randrange(2, 7)):
        near = pick.choice(sketch.requests).at + pick.randrange(12 * MS)
        sketch.happenings.append(
            Happening(near, Fault.CUT, pick.randrange(sketch.nodes), pick.choice((0, 1, 20, 200)) * MS)
        )


def late_fill(sketch: Sketch) -> None:
    """As places are taken, nodes stand still between stamp and sending, or Redis between two commands."""
    pick = sketch.random
    sketch.deadline = pick.choice((0.05, 0.1, 0.25))
    ticks = pick.choice((12, 25, 40, 60)) * MS
    start = sketch.border(sketch.start, 1) - 2 * sketch.tolerance
    if pick.random() < 0.3:
        sketch.redis_suspensions.append(Suspension(start, ticks, pick.randrange(1, 6)))
        return
    for node in range(sketch.nodes):
        sketch.suspensions[node].append(Suspension(start, ticks, pick.randrange(1, 9)))
