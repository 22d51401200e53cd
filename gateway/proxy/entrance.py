"""What is asked of a request before anybody asks who its client is. No IO."""

from dataclasses import dataclass

from gateway.access import TrustedProxies
from gateway.problems import Problem
from gateway.proxy.forwarded_elements import ForwardedError
from gateway.proxy.head import RequestHead
from gateway.proxy.hops import HopsError, has_passed, hops_left
from gateway.proxy.rules import Malformed, Rule
from gateway.proxy.sender import Sender, sender_of


@dataclass(frozen=True, slots=True)
class Entrance:
    """What the settings say of it. `max_body_bytes` 0 is unbounded."""

    node_id: str
    trusted_proxies: TrustedProxies
    max_body_bytes: int

    def sender_of(self, head: RequestHead, peer: str, scheme: bytes) -> Sender:
        """Who sends a request that came from `peer` by `scheme`, and may be served.

        Raises:
            Problem: it may not.
        """
        if self.max_body_bytes and (head.length or 0) > self.max_body_bytes:
            raise Problem(413, f"The body is longer than {self.max_body_bytes} bytes.")
        if has_passed(head.fields, self.node_id):
            raise Problem(508, "The request goes in a circle: it has been here before.")  # RFC 5842 §7.2
        try:
            hops_left(head.method, head.fields)
            return sender_of(head.fields, peer, scheme=scheme, host=head.host, trusted=self.trusted_proxies)
        except HopsError:
            raise Malformed(Rule.FORWARDS) from None
        except ForwardedError as error:
            raise Malformed(Rule.FORWARDED, detail=str(error)) from None
