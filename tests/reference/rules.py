"""The rules that a malformed request breaks, as a table."""

from gateway.http.rules import Rule
from tests.markdown import rows


def table() -> str:
    """A line each rule, by status."""
    ordered = sorted(Rule, key=lambda rule: rule.status)
    return rows(
        ("status", "detail", "by"), [(str(rule.status), rule.detail, rule.source) for rule in ordered]
    )
