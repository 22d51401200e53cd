"""The rules that a request must keep: status, RFC section and sentence of each.

Where the RFC lets a recipient repair a message, it is rejected: the upstream might repair it differently."""

from enum import Enum

from gateway.http.response_head import ProblemError

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Supported methods. CONNECT opens tunnels, TRACE shows fields to scripts (RFC 9110 §9.3.8)."""

MAX_LINE_BYTES = 8190
MAX_FIELD_BYTES = 8192
MAX_FIELDS = 100
MAX_HEAD_BYTES = 65536


class Rule(Enum):
    """A rule: the status of the response to a message that breaks it, its source, and the detail."""

    CONTROLS = 400, "RFC 9110 §5.5", "There is a control character in the head."
    LINE_END = 400, "RFC 9112 §2.2", "A line does not end with CR and LF, or has one of them inside."
    FOLDED = 400, "RFC 9112 §5.2", "A field is folded, or white space stands before the first."
    LONG_LINE = 414, "RFC 9110 §15.5.15", f"The request line is longer than {MAX_LINE_BYTES} bytes."
    LONG_FIELD = 431, "RFC 6585 §5", f"A header field is longer than {MAX_FIELD_BYTES} bytes."
    MANY_FIELDS = 431, "RFC 6585 §5", f"There are more than {MAX_FIELDS} header fields."
    LONG_HEAD = 431, "RFC 6585 §5", f"The head is longer than {MAX_HEAD_BYTES} bytes."

    REQUEST_LINE = 400, "RFC 9112 §3", "This is not a well-formed HTTP request."
    VERSION = 505, "RFC 9110 §15.6.6", "Only HTTP/1.1 and HTTP/1.0 are spoken here."
    METHOD = 501, "RFC 9110 §9.1", "The method is not served."
    TARGET = 400, "RFC 9112 §3.2", "The request target is not a path, or has bytes that no target has."
    FRAGMENT = 400, "RFC 9112 §3.2", "The request target has a fragment."
    ASTERISK = 400, "RFC 9112 §3.2.4", "The request target * is for OPTIONS only."
    ABSOLUTE = 400, "RFC 9112 §3.2.2", "The request target is not a URL of http or https with a host."
    OTHER_HOST = 400, "RFC 9112 §3.2.2", "The request target and Host name different hosts."

    FIELD = 400, "RFC 9112 §5.1", "A header field has no name, or white space around it."
    NO_HOST = 400, "RFC 9112 §3.2", "There is no Host."
    HOST = 400, "RFC 9112 §3.2", "Host is not one host with or without a port."
    AMBIGUOUS_NAME = (
        400,
        "RFC 3875 §4.1.18",
        "A field's name could be taken for that of another, with _ or a sign for -.",
    )
    FORWARDED = 400, "RFC 7239 §4", "For whom a trusted proxy forwards this cannot be told."
    FORWARDS = 400, "RFC 9110 §7.6.2", "Max-Forwards is not one number."

    LENGTH = 400, "RFC 9112 §6.3", "Content-Length is not one whole number."
    LENGTH_AND_CODING = 400, "RFC 9112 §6.1", "There are both Content-Length and Transfer-Encoding."
    CODING = 400, "RFC 9112 §6.3", "Transfer-Encoding is not chunked once, and nothing else."
    UNKNOWN_CODING = 501, "RFC 9112 §6.1", "The only transfer coding known here is chunked."
    OLD_CODING = 400, "RFC 9112 §6.1", "HTTP/1.0 has no Transfer-Encoding."
    CHUNKS = 400, "RFC 9112 §7.1", "The chunks of the body are not well-formed, or there is too much beside."
    EXPECTATION = 417, "RFC 9110 §10.1.1", "The only expectation known here is 100-continue."

    # Properties, since the members are made before mypyc has the class that `__init__` would check.
    @property
    def status(self) -> int:
        """The status of the response."""
        return self.value[0]

    @property
    def source(self) -> str:
        """The section of the RFC."""
        return self.value[1]

    @property
    def detail(self) -> str:
        """The sentence for the client."""
        return self.value[2]


class BadRequestError(ProblemError):
    """A message that breaks a rule. `method` is empty if the request line is malformed.

    `detail` replaces the rule's where a rule can be broken in several ways.
    """

    def __init__(self, rule: Rule, method: str = "", detail: str = "") -> None:
        super().__init__(rule.status, detail or rule.detail)
        self.rule = rule
        self.method = method
