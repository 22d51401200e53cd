"""Writes what the reference has from the code: ``python -m tests.reference`` (``make reference``)."""

from tests.reference import pages

for page, written in pages.written().items():
    page.write_text(written)
