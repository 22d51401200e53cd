"""A client on the large plan suddenly sends far more: it is held, as the subject suggests, and goes on."""

from dataclasses import replace

from loadtest.scenarios import Chance, Scenario, Setting, Sign, spike
from loadtest.scenarios.remedy import AsSuggested, Remedy, UpstreamRate

PLAN = "paid"
LOWEST_FACTOR, HIGHEST_FACTOR = 2.6, 3.4
MOST_RATIO = 1.3
"""Of the usual rate at the upstream is what is left when it is held: a sample of some seconds, and what the
client still may."""


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Who, and how much."""
    client = chance.choice([client for client in setting.clients if client.plan == PLAN])
    factor = round(chance.uniform(LOWEST_FACTOR, HIGHEST_FACTOR), 1)
    rate = setting.rate_per_second * (factor - 1)
    because = f"{client.id} keeps half more than it usually sends, and the upstream has its usual load again"
    return replace(
        spike.single(setting, factor, client),
        injected=f"{client.id} (plan {PLAN}) suddenly sends {rate:.0f} requests a second more",
        expected=(Sign("spike_single", "client", client.id),),
        allowed=(
            Sign("hot_key", "client", client.id),
            Sign("limit_breach", "client", client.id),  # these, since it goes on when it is held
            Sign("limit_breach", "cluster"),
            Sign("retry_storm", "client", client.id),
        ),
        remedy=Remedy(
            AsSuggested(because=because),
            UpstreamRate(),
            goal=MOST_RATIO * setting.rate_per_second,
            closes=False,
        ),
    )
