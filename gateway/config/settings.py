"""All settings of a node: from flags, the environment, credentials and ``gateway.toml``, in this order."""

import os
import re
import socket
from math import ceil
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from gateway.access import AccessList, Exempt, TrustedProxies
from gateway.config.values import (
    OFF,
    AccessListValue,
    ExemptValue,
    FieldName,
    FilePath,
    Host,
    HostNames,
    LimitOrOff,
    LimitValue,
    NodeId,
    Port,
    Seconds,
    SecondsOrOff,
    Share,
    TrustedProxiesValue,
    UpstreamUrls,
    parse_upstream_urls,
)
from gateway.contract.limits import MAX_QUOTA, Limit, Limits, parse_limit
from gateway.contract.redis_url import check_redis_url
from gateway.identity import KEY_HEADER
from gateway.limiter.limiter import OnStoreFailure
from gateway.proxy.client_timers import ClientTimeLimits
from gateway.proxy.replies import RateLimitHeaders

PREFIX = "GATEWAY_"
TOML_FILE = "gateway.toml"
CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Variable that names a folder with one file per secret (systemd, Docker, Kubernetes)."""
SECRETS = frozenset({"identity_secret"})
"""Settings without a flag, since other users can read a command line."""

_UNPREFIXED = frozenset({"redis_url", "node_id"})
PLATFORM_VALUE = re.compile(r"(tcp|udp)://")
"""Value that container platforms give to variables for a service called ``gateway``."""


class Settings(BaseSettings):
    """One node's settings."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        toml_file=TOML_FILE,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        env_ignore_empty=True,
    )

    redis_url: Annotated[str, AfterValidator(check_redis_url)] = Field(
        "redis://127.0.0.1:6379/0",
        validation_alias="REDIS_URL",
        description="the Redis that all nodes share",
        repr=False,  # it may hold a password
    )
    node_id: NodeId = Field(
        default_factory=lambda: socket.gethostname(),
        validate_default=True,
        validation_alias="NODE_ID",
        description="this node's name, different for each node",
    )
    host: Host = Field("127.0.0.1", description="address to listen on for clients")
    port: Port = Field(8080, description="port to listen on for clients")
    workers: int = Field(
        1, ge=1, le=256, description="processes that serve as one node and share its port; at most one a core"
    )
    admin_host: Host = Field("127.0.0.1", description="address of the admin listener")
    admin_port: Port = Field(9080, description="port of the admin listener")
    admin_names: HostNames = Field(
        "",
        description="further names with a dot by which the admin listener is requested, with commas between",
    )
    tls_cert: FilePath | None = Field(
        None, description="PEM file of the certificate that clients are shown; with it they are served by TLS"
    )
    tls_key: FilePath | None = Field(None, description="PEM file of the certificate's key, not encrypted")
    advertise_host: Host | None = Field(
        None, description="the host that the roster shows, where the listening address is none others reach"
    )
    trusted_proxies: TrustedProxiesValue = Field(
        TrustedProxies(""),
        description="addresses and networks of proxies in front, who say who their clients are",
    )
    max_connections: int = Field(
        10_000, ge=1, le=1_000_000, description="connections that clients may have with this node"
    )
    address_connections: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="of these, one address (of IPv6 one /64) may have so many; 0 is any",
    )
    header_timeout: Seconds = Field(
        8.0, description="seconds that a client may take for the head of a request"
    )
    body_timeout: Seconds = Field(
        8.0, description="seconds in which nothing may come of a body; each byte gives some back"
    )
    send_timeout: Seconds = Field(
        60.0,
        description="seconds in which a client may take nothing of its answer; each byte gives some back",
    )
    min_rate: int = Field(
        240, ge=0, description="bytes a second of bodies and answers that give all the time back; 0 is any"
    )
    request_timeout: SecondsOrOff = Field(
        0.0, description="seconds that a whole request may take, with its body and its answer; 0 is any"
    )
    idle_timeout: Seconds = Field(
        75.0, description="seconds that a client's connection is kept between two requests"
    )
    upstream_url: UpstreamUrls = Field(
        description="the service behind the gateway, http://HOST:PORT or https://…; several with commas"
    )
    upstream_ca: FilePath | None = Field(
        None, description="PEM file of the authorities that sign https upstreams, instead of the system's"
    )
    upstream_connections: int = Field(
        1024, ge=1, le=65536, description="requests that one address of an upstream may have at a time"
    )
    min_rate_when_full: float = Field(
        8000.0,
        ge=0,
        le=1e9,
        description="bytes a second that a client must keep up while its upstream is full; 0 is any rate",
    )
    upstream_idle_timeout: Seconds = Field(
        4.0, description="seconds that an idle connection to the upstream is kept; fewer than it keeps one"
    )
    key_header: FieldName = Field(KEY_HEADER, description="the field that holds a client's key")
    forward_key: bool = Field(True, description="whether a client's key goes on to the upstream")
    client_header: FieldName | None = Field(
        None, description="the field that tells the upstream a client's id, as in X-Client-Id"
    )
    default_limit: LimitValue = Field(
        Limits((Limit(100, 60),)), description="the limit of clients without one of their own, N/period,…"
    )
    default_concurrency: int = Field(
        0,
        ge=0,
        le=MAX_QUOTA,
        description="requests a client may have in flight at a node; 0 is any number",
    )
    address_limit: Annotated[LimitValue | None, NoDecode] = Field(
        None, description="what one address (of IPv6 one /64) gets without a registered key"
    )
    unauthenticated_limit: LimitOrOff = Field(
        "60/m",
        description="unknown keys that one address may send to a node that registers its clients, or off",
    )
    shadow: bool = Field(False, description="count and tell what would be refused, and refuse nobody")
    routes_file: FilePath | None = Field(
        None, description="TOML file of routes: where requests go, and what they may use"
    )
    exempt: ExemptValue = Field(
        Exempt(""),
        description="requests that need no key and are not counted: OPTIONS, GET /health, /assets/*",
    )
    allow: AccessListValue = Field(
        AccessList(""), description="clients, addresses and networks that have no limits"
    )
    deny: AccessListValue = Field(
        AccessList(""), description="clients, addresses and networks that get a 403"
    )
    clients_file: FilePath | None = Field(None, description="TOML file of plans and registered clients")
    unknown_keys: Literal["accept", "reject"] | None = Field(
        None,
        description="whether an unregistered key is a client: accept (without a clients file) or reject",
    )
    anonymous: Literal["reject", "address"] = Field(
        "reject", description="a request without a key: reject (401), or the client of its address"
    )
    identity_secret: SecretStr | None = Field(
        None, description="makes client ids of unregistered keys unguessable; the same for all nodes"
    )
    on_store_failure: OnStoreFailure = Field(
        "local",
        description="without Redis: local (by the node's share of a limit), open (all pass) or closed (503)",
    )
    store_deadline: Seconds = Field(0.05, description="seconds that a decision may wait for Redis")
    ratelimit_headers: RateLimitHeaders = Field(
        "ietf", description="fields on answers: ietf (RateLimit), legacy (X-RateLimit-*), both or off"
    )
    max_body_bytes: int = Field(
        0, ge=0, description="longest request body; 0 is unbounded (bodies are streamed)"
    )
    upstream_timeout: Seconds = Field(
        30.0, description="seconds that the upstream may be silent before the client gets a 504"
    )
    tunnel_idle_timeout: Seconds = Field(600.0, description="seconds that a WebSocket may be silent")
    drain_delay: SecondsOrOff = Field(
        0.0, description="seconds after SIGTERM in which it still accepts, while balancers see that it leaves"
    )
    drain_timeout: Seconds = Field(
        30.0, description="seconds that requests in flight may take once it accepts no more"
    )
    fast_lane: bool = Field(
        True,
        description="deprecated; false: each request head is parsed, without the memo of simple heads",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least severe messages: debug, info, warning or error"
    )
    log_format: Literal["text", "json"] = Field("text", description="messages as lines of text or json")
    access_log: Share = Field(
        0.0, description="the share of requests that are logged, from 0 to 1; above 0 each that failed is too"
    )

    @model_validator(mode="after")
    def _check_key_policy(self) -> Self:
        if self.clients_file is not None and self.unknown_keys == "accept":
            raise ValueError(
                f"{PREFIX}UNKNOWN_KEYS=accept gives every made-up key a quota of its own, so the limits of "
                f"{PREFIX}CLIENTS_FILE would bind nobody: leave one out"
            )
        accepts_unregistered = self.accepts_unknown_keys or self.accepts_anonymous
        if self.address_limit is not None and not accepts_unregistered:
            raise ValueError(
                f"{PREFIX}ADDRESS_LIMIT bounds unregistered clients, and none is accepted here: leave it out"
            )
        return self

    @model_validator(mode="after")
    def _check_field_names(self) -> Self:
        if self.client_header is not None and self.client_header.lower() == self.key_header.lower():
            raise ValueError(
                f"{PREFIX}CLIENT_HEADER={self.client_header} is the field of the key ({PREFIX}KEY_HEADER): "
                "choose another, as in X-Client-Id"
            )
        return self

    def wrong_key_limit(self, processes: int) -> Limit | None:
        """Limit of unknown keys from one address, for one of `processes`; None is off."""
        if self.unauthenticated_limit == OFF:
            return None
        limit = parse_limit(self.unauthenticated_limit)
        return Limit(ceil(limit.quota / processes), limit.period_seconds)

    @property
    def time_limits(self) -> ClientTimeLimits:
        """Timeouts and minimum rate of client connections."""
        return ClientTimeLimits(
            head_seconds=self.header_timeout,
            body_seconds=self.body_timeout,
            response_seconds=self.send_timeout,
            idle_seconds=self.idle_timeout,
            min_bytes_per_second=self.min_rate,
        )

    @property
    def own_admin_names(self) -> frozenset[str]:
        """Names by which the admin listener may be requested, in lower case."""
        own = (self.admin_host, self.advertise_host or "", *self.admin_names.split(","))
        return frozenset(name.strip().lower().removesuffix(".") for name in own) - {""}

    @property
    def accepts_unknown_keys(self) -> bool:
        """Whether each unregistered key is a client of its own."""
        return self.clients_file is None and self.unknown_keys != "reject"

    @property
    def accepts_anonymous(self) -> bool:
        """Whether a request without a key belongs to the client of its address."""
        return self.anonymous == "address"

    @property
    def upstream_urls(self) -> tuple[str, ...]:
        """Normalized URLs of the default upstream."""
        return parse_upstream_urls(self.upstream_url)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, environment, credential files, then gateway.toml; no .env."""
        del dotenv_settings, file_secret_settings
        files = SecretsSettingsSource(settings_cls, secrets_dir=_credentials())
        return init_settings, env_settings, files, TomlConfigSettingsSource(settings_cls)


def _credentials() -> str | None:
    folder = os.environ.get(CREDENTIALS)
    if folder:
        os.scandir(folder).close()  # raises if missing; pydantic-settings only warns
    return folder or None


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return name.upper() if name in _UNPREFIXED else PREFIX + name.upper()
