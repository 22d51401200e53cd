"""A client that should be served sends more than its plan allows: its limit is raised, for some time."""

from gateway.contract.limits import Limit
from loadtest.load import Load, Stream
from loadtest.scenarios import Chance, Scenario, Setting, Sign, Step
from loadtest.scenarios.remedy import RefusedRatio, Remedy, SetLimit

PLAN = "free"
FILL_SECONDS = 4.0
SECONDS = 16.0
LOWEST_TIMES, HIGHEST_TIMES = 1.6, 2.0
"""Of its limit. The whole cluster has a fifth more to do than usual, which is no spike."""

RAISED_TIMES = 4
"""By so much, which is far above what it sends."""

WHY, DURATION = "launch day", "10m"


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Who, and how far over its limit."""
    client = chance.choice([client for client in setting.clients if client.plan == PLAN])
    limit = setting.limit_of(client)
    times = round(chance.uniform(LOWEST_TIMES, HIGHEST_TIMES), 1)
    rate = times * limit.quota / limit.period_seconds
    more = rate - setting.rate_per_second / len(setting.clients)
    load = Load((setting.background(), Stream(more, (client.key,))))
    raised = Limit(RAISED_TIMES * limit.quota, limit.period_seconds)
    return Scenario(
        name="limit_breach",
        injected=f"{client.id} sends {rate:.0f} requests a second, {times:g} times what its plan allows",
        steps=(Step(FILL_SECONDS, load), Step(SECONDS, load)),
        expected=(Sign("limit_breach", "client", client.id),),
        remedy=Remedy(
            SetLimit(
                client.id,
                raised,
                WHY,
                DURATION,
                because=f"the suggestion only shows the limit, which holds; {client.id} may have more today",
            ),
            RefusedRatio(client.id),
            goal=0.0,
        ),
        begins=1,  # the window is full, and refusals have begun
    )
