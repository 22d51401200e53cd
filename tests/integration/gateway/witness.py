"""What comes to an upstream that answers all alike."""

from tests.integration.gateway.upstream import Peer, Received, Upstream


class Witness:
    """Sees what comes to the upstream: heads as soon as they are there, and requests when they are whole."""

    def __init__(self, upstream: Upstream) -> None:
        self.heads: list[Received] = []
        self.whole: list[tuple[Received, bytes]] = []
        upstream.script = self._serve

    async def _serve(self, peer: Peer) -> None:
        while True:
            head = await peer.head()
            self.heads.append(head)
            self.whole.append((head, await peer.body(head)))
            target = head.start_line.split(b" ")[1]
            await peer.send(b"HTTP/1.1 200 OK\r\nX-Asked-For: %b\r\nContent-Length: 2\r\n\r\n" % target)
            if not head.start_line.startswith(b"HEAD"):
                await peer.send(b"ok")

    async def count_heads(self) -> int:
        """How many heads have come."""
        return len(self.heads)
