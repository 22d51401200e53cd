"""What values of settings look like. Each check raises ValueError with what would be right."""

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator

from gateway.access import AccessList, Exempt, TrustedProxies
from gateway.contract.limits import Limits, parse_limit, parse_limits
from gateway.field_names import check_field_name
from gateway.upstream_urls import can_be_looked_up, upstream_urls

OFF = "off"

_NODE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+", re.ASCII)


def _node_id(text: str) -> str:
    if _NODE_ID.fullmatch(text) is None:
        raise ValueError("a node id has letters, digits, dots, hyphens and underscores (63 at most)")
    return text


def _host(text: str) -> str:
    if _HOST.fullmatch(text) is None or not can_be_looked_up(text):
        raise ValueError("write a host name or an address, without a port")
    return text


def _host_names(text: str) -> str:
    for name in filter(None, (part.strip() for part in text.split(","))):
        _host(name)
    return text


def _limit_or_off(text: str) -> str:
    if text != OFF:
        parse_limit(text)
    return text


def _file_path(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("a path has no NUL in it")
    return path


def _upstream_urls(text: str) -> str:
    upstream_urls(text)
    return text


def _limits(value: object) -> Limits:
    return value if isinstance(value, Limits) else parse_limits(_listed(value))


def _listed(value: object) -> str:
    """A list, with commas as in an environment variable, or as TOML has it."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _exempt(value: object) -> Exempt:
    return value if isinstance(value, Exempt) else Exempt(_listed(value))


def _access_list(value: object) -> AccessList:
    return value if isinstance(value, AccessList) else AccessList(_listed(value))


def _trusted_proxies(value: object) -> TrustedProxies:
    return value if isinstance(value, TrustedProxies) else TrustedProxies(_listed(value))


def _share(value: object) -> float:
    try:
        share = float(str(value))
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("write a share from 0 (none) to 1 (all)")
    return share


Host = Annotated[str, AfterValidator(_host)]
HostNames = Annotated[str, BeforeValidator(_listed), AfterValidator(_host_names)]
Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
Share = Annotated[float, PlainValidator(_share)]
SecondsOrOff = Annotated[float, Field(ge=0, le=3600)]
NodeId = Annotated[str, AfterValidator(_node_id)]
UpstreamUrls = Annotated[str, BeforeValidator(_listed), AfterValidator(_upstream_urls)]
LimitOrOff = Annotated[str, AfterValidator(_limit_or_off)]
LimitValue = Annotated[Limits, BeforeValidator(_limits)]
ExemptValue = Annotated[Exempt, PlainValidator(_exempt)]
AccessListValue = Annotated[AccessList, PlainValidator(_access_list)]
FilePath = Annotated[Path, AfterValidator(_file_path)]
FieldName = Annotated[str, AfterValidator(check_field_name)]
TrustedProxiesValue = Annotated[TrustedProxies, PlainValidator(_trusted_proxies)]
