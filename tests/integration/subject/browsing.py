"""The dashboard's page in a real browser (Debian's Chromium)."""

from typing import Any

from playwright.async_api import Page

from tests.integration.subject.serving import TOKEN

WRITABLE = {"SUBJECT_TOKEN": TOKEN, "SUBJECT_WAIT_SECONDS": "0"}


def watched(page: Page) -> list[str]:
    """What the browser has to complain of, as it comes. That the subject is away is no complaint."""
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def on_console(message: Any) -> None:
        if (
            message.type in ("error", "warning")
            and "net::ERR" not in message.text
            and "status of 4" not in message.text
        ):
            complaints.append(message.text)

    page.on("console", on_console)
    return complaints
