"""One gateway node: identify the client, count in Redis, answer 429 or forward."""
