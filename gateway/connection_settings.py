"""Settings of clients' connections: how many there may be, and how long each may take."""

from pydantic import BaseModel, Field

from gateway.proxy.client_timers import ClientTimeLimits
from gateway.setting_types import Seconds, SecondsOrOff


class ConnectionSettings(BaseModel):
    """A part of a node's settings."""

    max_connections: int = Field(
        10_000, ge=1, le=1_000_000, description="connections that clients may have with this node"
    )
    address_connections: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="of these, one address (of IPv6 one /64) may have so many; 0 is any",
    )
    header_timeout: Seconds = Field(
        8.0, description="seconds that a client may take for the head of a request"
    )
    body_timeout: Seconds = Field(
        8.0, description="seconds in which nothing may come of a body; each byte gives some back"
    )
    send_timeout: Seconds = Field(
        60.0,
        description="seconds in which a client may take nothing of its answer; each byte gives some back",
    )
    min_rate: int = Field(
        240, ge=0, description="bytes a second of bodies and answers that give all the time back; 0 is any"
    )
    request_timeout: SecondsOrOff = Field(
        0.0, description="seconds that a whole request may take, with its body and its answer; 0 is any"
    )
    idle_timeout: Seconds = Field(
        75.0, description="seconds that a client's connection is kept between two requests"
    )

    @property
    def time_limits(self) -> ClientTimeLimits:
        """What a client may take."""
        return ClientTimeLimits(
            head_seconds=self.header_timeout,
            body_seconds=self.body_timeout,
            response_seconds=self.send_timeout,
            idle_seconds=self.idle_timeout,
            min_bytes_per_second=self.min_rate,
        )
