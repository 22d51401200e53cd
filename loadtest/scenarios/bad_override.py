"""A live limit that nobody can read."""

from loadtest.scenarios.chance import Chance
from loadtest.scenarios.fault import OverrideMalformed
from loadtest.scenarios.scenario import Scenario, Setting, Sign, Step

DESCRIPTION = "something writes a live limit that is none: override_malformed"
SECONDS = 12.0


def draw(setting: Setting, chance: Chance) -> Scenario:
    """Whose."""
    client = chance.choice(setting.clients)
    return Scenario(
        name="bad_override",
        injected=f"the live limit of {client.id} is the words 'no limit'",
        steps=(Step(SECONDS, setting.usual, (OverrideMalformed(client.id),)),),
        expected=(Sign("override_malformed", "client", client.id),),
    )
