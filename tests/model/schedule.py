"""From a seed to a scenario. A family mixes demand and trouble that are good at finding something."""

from collections.abc import Callable

from tests.model import demand, trouble
from tests.model.scenario import Scenario
from tests.model.sketch import Sketch


def scenario(seed: int, family: str | None = None) -> Scenario:
    """The scenario of a seed: its remainder chooses the family, unless one is named."""
    name = family if family is not None else _ORDER[seed % len(_ORDER)]
    sketch = Sketch(seed, name)
    for add in FAMILIES[name]:
        add(sketch)
    return sketch.made()


FAMILIES: dict[str, tuple[Callable[[Sketch], None], ...]] = {
    "calm": (demand.policies, demand.bursts, demand.drizzle, demand.leavers, demand.policy_changes),
    "borders": (demand.simple_policy, trouble.jitter, demand.borders),
    "late": (demand.simple_policy, demand.borders, trouble.late_fill),
    "crossing": (demand.several_nodes, demand.simple_policy, trouble.jitter, demand.crossing),
    "hammer": (demand.simple_policy, trouble.jitter, demand.hammer),
    "expiring": (demand.many_nodes_for_long, demand.simple_policy, trouble.jitter, demand.expiring),
    "stream": (demand.some_places, demand.simple_policy, demand.stream, trouble.jitter),
    "edges": (demand.simple_policy, trouble.jitter, demand.bursts),
    "spikes": (demand.policies, demand.hammer, trouble.spikes, trouble.redis_stalls),
    "stalls": (demand.policies, demand.hammer, trouble.node_stalls, trouble.redis_stalls),
    "breaks": (demand.policies, demand.bursts, demand.drizzle, trouble.breaks),
    "cuts": (demand.policies, demand.bursts, demand.drizzle, trouble.cuts, trouble.spikes),
    "changes": (demand.policies, demand.drizzle, demand.policy_changes, trouble.spikes),
    "raises": (demand.simple_policy, demand.drizzle, demand.raises),
    "losses": (demand.several_nodes, demand.one_window, demand.losses),
    "everything": (
        *(demand.policies, demand.bursts, demand.leavers, demand.policy_changes),
        *(trouble.spikes, trouble.very_slow, trouble.node_stalls, trouble.redis_stalls, trouble.breaks),
    ),
    "long": (demand.long,),
}

_ORDER = (
    *("calm", "borders", "late", "crossing", "hammer", "stream", "edges", "spikes", "stalls", "breaks"),
    *("cuts", "changes", "raises", "expiring", "everything", "borders", "late", "crossing", "breaks"),
    *("losses", "losses"),
)
