"""Fields by which a client could pass for another one, or for one that asked for something else. No IO.

Services take them for the word of the proxy before them. Of a trusted proxy they are that, and go on.
"""

from gateway.proxy.sender import FORWARDED, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO

REWRITTEN = frozenset({FORWARDED, FORWARDED_FOR, FORWARDED_HOST, FORWARDED_PROTO})
"""Those that the node writes itself: nobody's go on as they came."""

OTHER_PATHS = frozenset(
    {
        b"path-info",
        b"path-translated",
        b"script-name",
        b"x-original-uri",
        b"x-original-url",
        b"x-rewrite-url",
        b"x-script-name",
    }
)
"""Those that would have a service answer for a path that no route, limit or exemption was found by; nobody's
go on, as proxies let them through that know nothing of them. gunicorn takes ``SCRIPT_NAME`` from a field."""

CLAIMS = frozenset(
    {
        # whose address it is
        b"cf-connecting-ip",
        b"cf-connecting-ipv6",
        b"client-ip",
        b"fastly-client-ip",
        b"fly-client-ip",
        b"true-client-ip",
        b"x-azure-clientip",
        b"x-azure-socketip",
        b"x-client-ip",
        b"x-cluster-client-ip",
        b"x-envoy-external-address",
        b"x-original-for",
        b"x-originating-ip",
        b"x-real-ip",
        b"x-remote-addr",
        b"x-remote-ip",
        b"remote-addr",
        b"remote-host",
        b"remote-ident",
        # who it is, and how it asked: with those above and below the variables of CGI (RFC 3875 §4.1)
        b"auth-type",
        b"query-string",
        b"remote-user",
        b"request-method",
        # by which proxy the service is to ask others, for programs of CGI (CVE-2016-5385 and its kin)
        b"proxy",
        # by which scheme and host
        b"https",
        b"server-name",
        b"server-port",
        b"server-protocol",
        b"front-end-https",
        b"x-host",
        b"x-http-host-override",
        b"x-original-host",
        b"x-original-proto",
        b"x-scheme",
        b"x-url-scheme",
    }
)
PREFIX = b"x-forwarded"
"""With it begin many more: -By, -Client-Cert, -Port, -Prefix, -Scheme, -Server, -Ssl, -User, …"""


def is_claim(name: bytes) -> bool:
    """Whether a field of this name, in lower case, does not go on from an untrusted peer."""
    return name in CLAIMS or name.startswith(PREFIX) or name == FORWARDED or name in OTHER_PATHS
