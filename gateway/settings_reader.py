"""Reads all settings of a node, and says in a sentence what is wrong with one."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gateway.contract.redaction import for_one_line
from gateway.errors import StartError
from gateway.settings import PLATFORM_VALUE, SECRETS, TOML_FILE, Settings, variable

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
"""By pydantic's kinds of error, with what it says of each in braces."""
_MAY_HOLD_KEYS = frozenset({"allow", "deny"})
"""Settings whose values are not repeated: a key may have been pasted for a client's name."""


def load(flags: Mapping[str, Any]) -> Settings:
    """Read all settings.

    Raises:
        StartError: one is malformed or missing; the message names it and says what would be right.
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
    """Whole numbers as people write them."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in bounds.items()
    }
