"""Does about a scenario what an operator would: by the subject's own commands, as a person types them."""

import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path

from gateway.contract.limits import parse_limit
from loadtest import figures
from loadtest.limit_changes import LimitChange
from loadtest.progress import Progress
from loadtest.remedied import Done, Remedied
from loadtest.scenarios import Setting
from loadtest.scenarios.remedy import AsSuggested, Figure, Outside, Remedy, SetLimit
from loadtest.subject_commands import Finding, Subject, SubjectError

SET, UNSET = (["subject", "limits", verb] for verb in ("set", "unset"))
STYLE = "cyan"


@dataclass(frozen=True, slots=True)
class _Effect:
    """On one node, so long after the change; None: not yet."""

    node: str
    seconds: float | None


@dataclass(frozen=True, slots=True)
class _Changed:
    """One answer of ``subject limits set`` or ``unset`` with ``--json``."""

    client: str
    limit: str
    undo: str | None
    effects: tuple[_Effect, ...]


@dataclass(slots=True)
class Operator:
    """`changes` are those of limits that it has made."""

    setting: Setting
    subject: Subject
    upstream_log: Path
    progress: Progress
    changes: list[LimitChange] = field(default_factory=list)

    async def read(self, figure: Figure) -> float:
        """What it is now.

        Raises:
            SubjectError: the subject does not answer as it should.
        """
        return await figures.read(figure, self.subject, self.upstream_log)

    async def act(self, remedy: Remedy, finding: Finding) -> Done:
        """Do what there is to do about this finding. What is outside is left to whoever calls.

        Raises:
            SubjectError: the subject suggests no limit, or one is not in force everywhere.
        """
        match remedy.action:
            case Outside():
                self.progress.say(f"  outside: {remedy.action.words}", style=STYLE)
                return Done(remedy.action.words, time.time())
            case SetLimit():
                command = remedy.action.command
                self.progress.say(f"  the subject suggests: {finding.suggested_action}", style=STYLE)
                self.progress.say(f"  the operator does something else: {remedy.action.because}")
            case AsSuggested():
                command = finding.suggested_action
                self.progress.say(f"  the operator does what the subject suggests: {remedy.action.because}")
        if shlex.split(command)[:3] != SET:
            raise SubjectError(f"{finding} comes without a limit to be set: {command}")
        changed, began_at = await self._change(command)
        self._note(changed.client, changed.limit, began_at)
        seconds = max(effect.seconds or 0.0 for effect in changed.effects)
        done = Done(command, time.time(), changed.undo, seconds)
        self.progress.say(f"    in force on all nodes after {_short(seconds)}; undo: {done.undo}")
        return done

    async def undo(self, done: Done) -> None:
        """Take it back, if it is a change of a limit.

        Raises:
            SubjectError: it cannot be taken back, or not everywhere.
        """
        if done.undo is None:
            return
        if shlex.split(done.undo)[:3] != UNSET:
            raise SubjectError(f"{done.told} is not taken back by {done.undo}")
        changed, began_at = await self._change(done.undo)
        (client,) = (one for one in self.setting.clients if one.id == changed.client)
        self._note(client.id, str(self.setting.limit_of(client)), began_at)

    def tell(self, remedied: Remedied) -> None:
        """Whether it helped."""
        told = "it helped" if remedied.helped else "it did not help"
        style = "green" if remedied.helped else "bold red"
        self.progress.say(f"  {told}: {remedied.told}", style=style)

    async def _change(self, command: str) -> tuple[_Changed, float]:
        self.progress.say(f"  operator: {command}", style=STYLE)
        began_at = time.time()
        _, *words = shlex.split(command)
        changed = await self.subject.ask(_Changed, *words)
        silent = [effect.node for effect in changed.effects if effect.seconds is None]
        if silent or not changed.effects:
            raise SubjectError(f"{command} is not in force on {', '.join(silent) or 'any node'}")
        return changed, began_at

    def _note(self, client_id: str, limit: str, began_at: float) -> None:
        self.changes.append(LimitChange(client_id, parse_limit(limit), began_at, in_force_at=time.time()))


def _short(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
