"""What may be changed from the page: a form's texts become an action, and a sentence of what was done."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from redis.asyncio import Redis

from gateway.contract.overrides import MAX_BY
from subject.actions import edits, outcomes
from subject.actions.edits import Actor, LimitChange
from subject.actions.limit_hints import read_limit
from subject.durations import parse_duration
from subject.errors import UsageError
from subject.settings import Settings

FROM_HERE = " (dashboard)"

Form = Mapping[str, str]
Change = Callable[[Redis, Form, Settings], Awaitable[str]]


async def set_limit(redis: Redis, form: Form, settings: Settings) -> str:
    """Give a client a limit, for good or for a time."""
    limit, seconds = read_limit(form["limit"]), parse_duration(form["for"]) if form["for"] else None
    client, revision = form["client"], form["revision"] or None
    asked = LimitChange(client, limit, _actor(form), seconds, if_revision=revision)
    done = await edits.set_limit(redis, asked)
    where = await outcomes.where_by_now(redis, done.version, done.at, settings)
    return f"{outcomes.limit_set(client, done)}; {where}."


async def unset_limit(redis: Redis, form: Form, settings: Settings) -> str:
    """Take a client's live limit out."""
    client, revision = form["client"], form["revision"] or None
    done = await edits.unset_limit(redis, client, _actor(form), if_revision=revision)
    if done is None or done.taken.ended:
        return f"{outcomes.limit_unset(client, None if done is None else done.taken)}."
    where = await outcomes.where_by_now(redis, done.version, done.at, settings)
    return f"{outcomes.limit_unset(client, done.taken)}; {where}."


async def reset(redis: Redis, form: Form, settings: Settings) -> str:
    """Let a client's count begin anew."""
    done = await edits.reset(redis, form["client"], _actor(form))
    where = await outcomes.where_by_now(redis, done.version, done.at, settings)
    return f"{outcomes.count_reset(form['client'], done.generation)}; {where}."


FORMS: Mapping[str, tuple[Change, frozenset[str]]] = {
    "set": (set_limit, frozenset({"client", "limit", "for", "by", "why", "revision"})),
    "unset": (unset_limit, frozenset({"client", "by", "why", "revision"})),
    "reset": (reset, frozenset({"client", "by", "why"})),
}
"""Each change with the fields of its form. An empty revision is any."""


def form_of(change: str, body: Any) -> dict[str, str]:
    """The fields of a form, without the white space around them.

    Raises:
        UsageError: a field is missing, is no text, or there is one that this form has not.
    """
    _, fields = FORMS[change]
    if (
        not isinstance(body, dict)
        or body.keys() != fields
        or not all(isinstance(one, str) for one in body.values())
    ):
        raise UsageError(f"a change is a JSON object of texts: {', '.join(sorted(fields))}")
    form = {name: text.strip() for name, text in body.items()}
    for name, asked in (("why", "why it is changed"), ("by", "who changes it")):
        if not form[name]:
            raise UsageError(f"say {asked}: it goes to the audit")
    return form


def _actor(form: Form) -> Actor:
    """Told apart from those who changed it on a machine, who need no token."""
    if len(form["by"]) > MAX_BY - len(FROM_HERE):
        raise UsageError(f"a name has {MAX_BY - len(FROM_HERE)} characters at most")
    return Actor(form["by"] + FROM_HERE, form["why"])
