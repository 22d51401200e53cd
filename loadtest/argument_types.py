"""What values of arguments look like. Each raises ArgumentTypeError with what is wrong with one."""

import argparse
import re
from collections.abc import Callable, Sequence

from gateway.contract.redaction import for_one_line
from loadtest.elsewhere.target import is_node_url
from loadtest.generator import KEY_HEADER

_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*", re.ASCII)
_FIELD_NAME = re.compile(r"[A-Za-z0-9-]+", re.ASCII)


def urls(text: str) -> tuple[str, ...]:
    """URLs of nodes, with commas between them."""
    found = tuple(url.rstrip("/") for url in text.split(","))
    for url in found:
        if not is_node_url(url):
            raise argparse.ArgumentTypeError(f"{for_one_line(url)!r} is no URL such as http://10.0.0.1:8080")
    if len(set(found)) < len(found):
        raise argparse.ArgumentTypeError("one URL is there twice")
    return found


def host(text: str) -> str:
    """A name or an address to listen on."""
    try:
        is_one = bool(text.encode("idna")) and text.isprintable() and " " not in text
    except UnicodeError:
        is_one = False
    if not is_one:
        raise argparse.ArgumentTypeError(f"{text!r} is no host name or address such as 127.0.0.1")
    return text


def path(text: str) -> str:
    """What is asked for, without a query."""
    if not _PATH.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no path such as /health")
    return text


def field_name(text: str) -> str:
    """A header field's."""
    if not _FIELD_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no field name such as {KEY_HEADER}")
    return text


def some_of(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Some of these names, with commas between them."""

    def parse(text: str) -> tuple[str, ...]:
        names = tuple(text.split(","))
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))} is none of {', '.join(known)}")
        return names

    return parse


def bounded(low: int, high: int) -> Callable[[str], int]:
    """A whole number within these bounds."""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{number} is not between {low} and {high}")
        return number

    return parse
