"""Loads the settings, and describes them: help texts, warnings, and values without secrets."""

import os
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gateway.access import is_loopback
from gateway.config.settings import PLATFORM_VALUE, PREFIX, SECRETS, TOML_FILE, Settings, variable
from gateway.contract.redaction import for_one_line, without_password
from gateway.errors import StartError

_MESSAGES = {
    "int_parsing": "write a whole number",
    "float_parsing": "write a number (of seconds)",
    "bool_parsing": "write true or false",
    "finite_number": "write a finite number",
    "greater_than_equal": "write {ge} or more",
    "greater_than": "write more than {gt}",
    "less_than_equal": "write {le} or less",
    "less_than": "write less than {lt}",
    "literal_error": "write {expected}",
}
"""Messages by pydantic's error type; its context fills the braces."""
_MAY_HOLD_KEYS = frozenset({"allow", "deny"})
"""Values are not shown: a key may have been pasted in place of a client's name."""
_DEFAULTS_IN_WORDS = {"node_id": "the host's name", "unknown_keys": "accept, or reject with a clients file"}


def load(flags: Mapping[str, Any]) -> Settings:
    """Read all settings; `flags` take precedence.

    Raises:
        StartError: a setting is malformed or missing; the message names it and says what to write.
    """
    try:
        return Settings(**flags)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise StartError(_sentence(problem["loc"], problem), 2) from None
    except (ValueError, RecursionError) as error:
        raise StartError(f"{TOML_FILE}: {error}", 2) from None
    except OSError as error:
        raise StartError(f"{error.filename}: {error.strerror}", 2) from None


def _sentence(location: tuple[int | str, ...], problem: Mapping[str, Any]) -> str:
    if not location:
        return str(problem["msg"]).removeprefix("Value error, ")
    name = str(location[0]).lower()
    if problem["type"] == "extra_forbidden":
        return f"{TOML_FILE}: there is no setting {name!r}"
    if problem["type"] == "missing":
        return f"{variable(name)} is not set: {Settings.model_fields[name].description}"
    if problem["type"] in _MESSAGES:
        message = _MESSAGES[problem["type"]].format(**_written(problem.get("ctx", {})))
    else:
        message = str(problem["msg"]).removeprefix("Value error, ")
    if isinstance(problem["input"], str) and PLATFORM_VALUE.match(problem["input"]):
        message += (
            f" (a container platform sets {variable(name)} for a service called 'gateway': "
            "rename the service, or turn its service links off)"
        )
    if name in SECRETS | _MAY_HOLD_KEYS:
        return f"{variable(name)}: {message}"
    return f"{variable(name)}={for_one_line(str(problem['input']))}: {message}"


def _written(bounds: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers without a trailing ``.0``."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in bounds.items()
    }


def describe(name: str) -> str:
    """Description of a setting, with its default."""
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


def config_warnings(settings: Settings) -> list[str]:
    """A sentence for each combination of settings that is probably unintended."""
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


def describe_unknown_keys(settings: Settings) -> str:
    """How unregistered keys are handled."""
    if settings.accepts_unknown_keys:
        return "unknown keys are accepted"
    file = settings.clients_file
    return f"{'unknown keys' if file is None else f'keys that are not in {file}'} are refused with 401"


def redacted(settings: Settings) -> dict[str, str]:
    """All settings by environment variable, without passwords; secrets are masked."""
    texts = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if name == "redis_url":
            value = without_password(value)
        if name == "unknown_keys":
            value = "accept" if settings.accepts_unknown_keys else "reject"
        texts[variable(name)] = "" if value is None else str(value)
    return texts
