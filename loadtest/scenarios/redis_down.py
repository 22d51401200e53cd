"""Redis does not answer: nodes decide by themselves."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import Fault, RedisFrozen, RedisKilled
from loadtest.scenarios.scenario import CALM_SECONDS, Scenario, Setting, Sign, Step

DESCRIPTION = "Redis stands still, or is killed and comes back empty: store_down, fallback_active"
SECONDS = 18.0
LEARN_SECONDS = 18.0
"""With an empty Redis the subject has to learn anew what is usual."""


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Whether it comes back with its data."""
    is_killed = chance.choice((True, False))
    fault: Fault = RedisKilled() if is_killed else RedisFrozen()
    return Scenario(
        name="redis_down",
        injected="Redis is killed, and comes back empty" if is_killed else "Redis stands still",
        steps=(Step(SECONDS, setting.usual, (fault,)),),
        expected=(Sign("store_down", "cluster"),),
        allowed=(
            Sign("fallback_active", "cluster"),
            Sign("fallback_active", "node"),
            Sign("store_slow", "cluster"),
        ),
        calm_seconds=LEARN_SECONDS if is_killed else CALM_SECONDS,
    )
