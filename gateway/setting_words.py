"""How settings are shown to people, and what they are to know of them."""

import os
from collections.abc import Mapping

from gateway.access import is_loopback
from gateway.contract.redaction import without_password
from gateway.settings import PLATFORM_VALUE, PREFIX, Settings, variable

_DEFAULTS_IN_WORDS = {"node_id": "the host's name", "unknown_keys": "accept, or reject with a clients file"}


def described(name: str) -> str:
    """What a setting is, with its default."""
    field = Settings.model_fields[name]
    default = "required" if field.is_required() else _DEFAULTS_IN_WORDS.get(name, field.default)
    return f"{field.description} ({default})" if default is not None else f"{field.description}"


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[str]:
    """A sentence for each ``GATEWAY_*`` variable that is no setting."""
    known = {variable(name) for name in Settings.model_fields}
    sentences = []
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX) and name not in known:
            reason = "set by a container platform?" if PLATFORM_VALUE.match(value) else "a typing error?"
            sentences.append(f"{name} is no setting ({reason})")
    return sentences


def surprises(settings: Settings) -> list[str]:
    """A sentence for each thing that is set so that it may surprise."""
    sentences = []
    if settings.identity_secret is None and settings.accepts_unknown_keys and not is_loopback(settings.host):
        sentences.append("GATEWAY_IDENTITY_SECRET is not set: who knows a client id can test keys against it")
    if settings.accepts_unknown_keys:
        limit = settings.default_limit
        sentences.append(f"unknown keys are accepted: each new key is a new client with {limit}")
    if settings.shadow:
        sentences.append("GATEWAY_SHADOW: requests are counted, and nobody is refused for a limit")
    cores = os.cpu_count() or 1
    if settings.workers > cores:
        sentences.append(
            f"GATEWAY_WORKERS={settings.workers} on {cores} cores: each more costs, and serves no more"
        )
    return sentences


def of_unknown_keys(settings: Settings) -> str:
    """What becomes of a key that no client has."""
    if settings.accepts_unknown_keys:
        return "unknown keys are accepted"
    file = settings.clients_file
    return f"{'unknown keys' if file is None else f'keys that are not in {file}'} are refused with 401"


def shown(settings: Settings) -> dict[str, str]:
    """All settings by variable, without secrets and passwords."""
    texts = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name == "redis_url":
            value = without_password(value)
        if name == "unknown_keys":
            value = "accept" if settings.accepts_unknown_keys else "reject"
        texts[variable(name)] = "" if value is None else str(value)
    return texts
