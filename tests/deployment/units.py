"""systemd's units, by the programs that they run."""

UNITS = {"gateway": "ratelimiter-gateway.service", "subject": "ratelimiter-subject.service"}
