"""The Dockerfile, read."""

import json
import re
import shlex
from dataclasses import dataclass, field

from tests.project import ROOT

FILE = ROOT / "docker/Dockerfile"


@dataclass
class Stage:
    """One FROM of it with what follows."""

    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        """What stands behind each instruction of this name."""
        return [rest for name, rest in self.steps if name == instruction]

    def command(self, instruction: str) -> list[str]:
        """The arguments of the last ENTRYPOINT or CMD in its JSON form."""
        arguments: list[str] = json.loads((self.all(instruction) or ["[]"])[-1])
        return arguments

    def check(self) -> list[str]:
        """The command of its HEALTHCHECK."""
        (line,) = self.all("HEALTHCHECK")
        arguments: list[str] = json.loads(line.partition(" CMD ")[2])
        return arguments


def read() -> tuple[dict[str, str], dict[str, Stage]]:
    """The arguments with their defaults, and the stages by their names."""
    text = re.sub(r"\\\n\s*", "", FILE.read_text())
    arguments: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stages[name] = Stage(base)
        elif instruction == "ARG":
            name, _, default = rest.partition("=")
            arguments[name] = default
        else:
            stages[next(reversed(stages))].steps.append((instruction, rest))
    return arguments, stages


ARGUMENTS, STAGES = read()
IMAGES = ("gateway", "subject", "loadtest")


def lineage(target: str) -> list[Stage]:
    """A stage, then those that it builds on."""
    stage = STAGES[target]
    return [stage, *(lineage(stage.base) if stage.base in STAGES else [])]


def image_environment(target: str) -> dict[str, str]:
    """What ENV sets in a target and in the stages below it."""
    lines = [line for stage in reversed(lineage(target)) for line in stage.all("ENV")]
    return dict(pair.split("=", 1) for line in lines for pair in shlex.split(line))
