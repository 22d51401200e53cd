"""What the first process and a worker tell each other."""

from dataclasses import dataclass

from gateway.telemetry.deltas import WorkerReport


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is to do from now on: each message says all of it.

    hurry: wait for no request in flight. reloads: how often it has to have read its files anew.
    live_nodes: how many nodes are at work, 0 where that is not known yet.
    orphans: workers that do not serve, whose connections the others take.
    """

    stop: bool = False
    hurry: bool = False
    reloads: int = 0
    live_nodes: int = 0
    orphans: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a worker cannot start, as a `StartError` says it."""

    message: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Word:
    """A worker says one of the two; its first hand-over means that it serves."""

    handover: WorkerReport | None = None
    refusal: Refusal | None = None
