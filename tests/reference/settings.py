"""What a setting's value may be, from its field, and the page of settings with that in its column."""

import re
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import SecretStr
from pydantic.fields import FieldInfo

import gateway.config.settings as node_settings
import subject.settings
from gateway.access import AccessList, Exempt, TrustedProxies
from gateway.contract.limits import Limits

KINDS: dict[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    SecretStr: "text",
    Path: "file",
    Limits: "limits",
    Exempt: "list",
    AccessList: "list",
    TrustedProxies: "list",
}
SIGNS = ((Ge, "ge", "≥"), (Gt, "gt", ">"), (Le, "le", "≤"), (Lt, "lt", "<"))
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \| (.*) \|$", re.MULTILINE)
HEADING = "\n## Settings of the subject\n"


def with_types(page: str) -> str:
    """The page with each setting's type and bounds in the third column."""
    of_nodes, heading, of_the_subject = page.partition(HEADING)
    node = {node_settings.variable(name): f for name, f in node_settings.Settings.model_fields.items()}
    ours = {subject.settings.variable(name): f for name, f in subject.settings.Settings.model_fields.items()}
    return _typed(of_nodes, node) + heading + _typed(of_the_subject, ours)


def _typed(part: str, fields: dict[str, FieldInfo]) -> str:
    def row(found: re.Match[str]) -> str:
        name, default, _, meaning = found.groups()
        return f"| `{name}` | {default} | {kind(fields[name])} | {meaning} |"

    return ROW.sub(row, part)


def kind(field: FieldInfo) -> str:
    """In words."""
    annotation, found = field.annotation, list(field.metadata)
    if NoneType in get_args(annotation):
        annotation = next(part for part in get_args(annotation) if part is not NoneType)
    if not isinstance(annotation, type) and get_origin(annotation) is not Literal:
        annotation, *more = get_args(annotation)
        found += more
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    told = [
        f"{sign} {_bound(found, cls, name):,}"
        for cls, name, sign in SIGNS
        if _bound(found, cls, name) is not None
    ]
    return ", ".join([KINDS[annotation], *told])


def _bound(metadata: list[Any], cls: type, name: str) -> float | None:
    """The bound of this class; of nested metadata (Annotated in Annotated) too."""
    for part in metadata:
        parts = part.metadata if isinstance(part, FieldInfo) else [part]
        for each in parts:
            if isinstance(each, cls):
                bound: float = getattr(each, name)
                return bound
    return None
