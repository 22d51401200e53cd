"""Causes of an observer that sees nothing."""

from subject.causes.case import Case
from subject.causes.cause import SOME, SURE, Clue, Suspect


def observer_blind(case: Case) -> list[Suspect]:
    """What is away, or where the subject does not look."""
    redis, asked = case.snapshot.redis, len(case.snapshot.nodes) + len(case.snapshot.unanswered)
    if redis.connected:
        empty = Clue(f"Redis at {redis.place} answers and holds no node", SOME)
        return [
            Suspect("no node has been started yet", (empty,)),
            Suspect(
                "nodes use another Redis or database: see REDIS_URL, and what gateway --check shows of "
                "theirs where a node runs",
                (empty,),
                usual=0.8,
            ),
        ]
    if redis.refuses:
        said = Clue(f"it answers the subject: {redis.problem}", SURE)
        return [
            Suspect(f"Redis {redis.trouble}", (said,)),
            Suspect("SUBJECT_NODES does not name the nodes' admin listeners", (_answers(asked),), usual=0.5),
        ]
    problem = Clue(f"Redis {redis.trouble}", SOME)
    if not asked:
        return [
            Suspect(
                "REDIS_URL and SUBJECT_NODES are not set to where the cluster is", (problem, _answers(0))
            ),
            Suspect("Redis is away, and no node is known to be asked", (problem,), usual=0.8),
        ]
    return [
        Suspect("the network between here and the cluster", (problem, _answers(asked))),
        Suspect("all of the cluster is down", (problem, _answers(asked)), usual=0.6),
    ]


def _answers(asked: int) -> Clue:
    return Clue(f"no node answers ({asked} asked)" if asked else "no node is known", SOME)
