"""The subject's settings, from the environment and from credentials."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from gateway.contract.redis_url import check_redis_url
from subject.errors import UsageError
from subject.thresholds import Thresholds

PREFIX = "SUBJECT_"
CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Names a folder with a file for each secret, as systemd does and Docker and Kubernetes can."""
SHORTEST_TOKEN = 16
_ADDRESS = re.compile(r"[^\s/?#@\\]+:(?P<port>[0-9]{1,5})", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*", re.ASCII)
_IPV6 = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", re.ASCII)


def is_address(text: str) -> bool:
    """Whether it is HOST:PORT, and has nothing that would lead elsewhere in a URL."""
    match = _ADDRESS.fullmatch(text)
    return match is not None and 0 < int(match["port"]) < 65536


def _listed(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(filter(None, map(str.strip, text.split(","))))


def _nodes(text: str) -> str:
    for address in _listed(text):
        if not is_address(address):
            raise ValueError("write admin addresses as HOST:PORT, with commas between them")
    return text


def _host(text: str) -> str:
    if not (_NAME.fullmatch(text) or _IPV6.fullmatch(text)):
        raise ValueError("write a host name or an address, without a port")
    return text


def _names(text: str) -> str:
    for name in _listed(text):
        if not _NAME.fullmatch(name):
            raise ValueError("write host names without ports, with commas between them")
    return text


def _token(token: SecretStr | None) -> SecretStr | None:
    text = "" if token is None else token.get_secret_value()
    if token is not None and (
        len(text) < SHORTEST_TOKEN or not text.isascii() or not text.isprintable() or " " in text
    ):
        raise ValueError(
            f"write at least {SHORTEST_TOKEN} letters, digits and signs, as openssl rand -hex 16 does"
        )
    return token


class Settings(BaseSettings, Thresholds):
    """What the subject reads and where, and every threshold."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    redis_url: Annotated[str, AfterValidator(check_redis_url)] = Field(
        "redis://127.0.0.1:6379/0", validation_alias="REDIS_URL", description="the Redis that the nodes share"
    )
    nodes: Annotated[str, AfterValidator(_nodes)] = Field(
        "", description="admin addresses host:port, separated by commas: asked where Redis is away"
    )
    timeout_seconds: float = Field(
        1.0, gt=0, le=60, description="how long one answer of Redis or of a node may take"
    )
    wait_seconds: float = Field(
        5.0, ge=0, le=60, description="how long an action waits for nodes to say that it is in force"
    )
    mcp_actions: bool = Field(
        False, description="whether subject mcp also changes limits and resets clients, or only looks"
    )
    identity_secret: SecretStr | None = Field(
        None, validation_alias="GATEWAY_IDENTITY_SECRET", description="the nodes' secret, for whois"
    )
    clients_file: Path | None = Field(
        None, validation_alias="GATEWAY_CLIENTS_FILE", description="the nodes' clients file, for whois"
    )

    host: Annotated[str, AfterValidator(_host)] = Field(
        "127.0.0.1", description="address that the dashboard listens on"
    )
    port: int = Field(9180, ge=0, le=65535, description="port of the dashboard")
    names: Annotated[str, AfterValidator(_names)] = Field(
        "", description="names by which browsers ask for the dashboard, beside localhost and addresses"
    )
    token: Annotated[SecretStr | None, AfterValidator(_token)] = Field(
        None, description="what a change from the dashboard needs; without it that is read-only"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, the environment, then files of single settings; no .env."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=_credentials())

    @property
    def dashboard_names(self) -> frozenset[str]:
        """The names in SUBJECT_NAMES, and the one that is listened on."""
        return frozenset(name.lower() for name in (*_listed(self.names), self.host))

    @property
    def dashboard_token(self) -> str | None:
        """The token as it is sent."""
        return None if self.token is None else self.token.get_secret_value()

    @property
    def admin_addresses(self) -> tuple[str, ...]:
        """The addresses in SUBJECT_NODES."""
        return _listed(self.nodes)


def _credentials() -> str | None:
    folder = os.environ.get(CREDENTIALS)
    if folder:
        os.scandir(folder).close()  # one that is not there would only be warned of
    return folder or None


def variable(name: str) -> str:
    """The environment variable of a setting."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else PREFIX + name.upper()


def load(**given: Any) -> Settings:
    """Read all settings; `given` (by variable, or by name where there is the prefix) goes before.

    Raises:
        UsageError: one is malformed; the message names it and says what would be right.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        raise UsageError(_sentence(error.errors(include_url=False)[0])) from None
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """The ``SUBJECT_*`` variables that are no setting."""
    known = {variable(name) for name in Settings.model_fields}
    return sorted(name for name in environment if name.startswith(PREFIX) and name not in known)


def _sentence(problem: Any) -> str:
    location = str(problem["loc"][0])
    name = location if location in _ALIASES else PREFIX + location.upper()
    if problem["type"] in _MESSAGES:
        message = _MESSAGES[problem["type"]].format(**_written(problem.get("ctx", {})))
    else:
        message = str(problem["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    # A Redis URL may hold a password, and a token is one: only other values are repeated.
    value = "" if name in {*_ALIASES, variable("token")} else f"={problem['input']}"
    return f"{name}{value}: {message}"


def _written(bounds: Mapping[str, Any]) -> dict[str, Any]:
    """Whole numbers as people write them."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in bounds.items()
    }


_MESSAGES = {
    "int_parsing": "write a whole number",
    "float_parsing": "write a number",
    "bool_parsing": "write true or false",
    "finite_number": "write a finite number",
    "greater_than_equal": "write {ge} or more",
    "greater_than": "write more than {gt}",
    "less_than_equal": "write {le} or less",
    "less_than": "write less than {lt}",
    "literal_error": "write {expected}",
}
"""By pydantic's kinds of error, with what it says of each in braces."""
_ALIASES = {
    field.validation_alias for field in Settings.model_fields.values() if field.validation_alias is not None
}
