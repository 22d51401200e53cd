"""Which clients keys are of, and whether the cluster takes them for the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest.elsewhere.facts import Facts
from loadtest.elsewhere.target import TargetError
from loadtest.scenarios import Client
from loadtest.subject_commands import Subject, WrongUseError, parse

LOOKS = 2
_OTHER_IDS = (
    "what these keys sent is not counted for the clients that they seem to be of: set "
    "GATEWAY_IDENTITY_SECRET, or GATEWAY_CLIENTS_FILE, here as it is there, and give the Redis of these nodes"
)


@dataclass(frozen=True, slots=True)
class _Named:
    client: str


@dataclass(frozen=True, slots=True)
class _Window:
    count: int


@dataclass(frozen=True, slots=True)
class _Why:
    windows: tuple[_Window, ...] = ()


@dataclass(frozen=True, slots=True)
class _Busy:
    id: str


@dataclass(frozen=True, slots=True)
class _Top:
    clients: tuple[_Busy, ...]


async def check_name(subject: Subject, client: Client, facts: Facts) -> None:
    """Whether what this one sends meanwhile is counted for the id that we know it by.

    Raises:
        TargetError: it is not.
        SubjectError: the subject does not answer as it should.
    """
    try:
        for _ in range(LOOKS):
            if any(window.count for window in (await subject.ask(_Why, "why", client.id)).windows):
                return
        if client.id in {one.id for one in (await subject.ask(_Top, "top")).clients}:
            return
    except WrongUseError as error:
        raise TargetError(f"{_OTHER_IDS} ({error.told})") from None
    raise TargetError(
        f"{_OTHER_IDS}. Or this machine's address is on GATEWAY_ALLOW" if facts.has_networks else _OTHER_IDS
    )


async def named(subject: Subject, keys: Sequence[str]) -> tuple[Client, ...]:
    """The clients of these keys.

    Raises:
        TargetError: somebody of them is unknown.
        SubjectError: the subject does not answer as it should.
    """
    file = subject.folder / "keys"
    file.write_text("".join(f"{key}\n" for key in keys))
    try:
        lines = (await subject.text("whois", "--all", stdin=file)).splitlines()
    except WrongUseError as error:
        raise TargetError(error.told) from None
    finally:
        file.unlink()
    ids = [parse(_Named, "whois", line).client for line in lines]
    return tuple(Client(key, client_id) for key, client_id in zip(keys, ids, strict=True))
