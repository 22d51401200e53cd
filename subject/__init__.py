"""Reads counters from Redis, detects and explains anomalies, changes limits."""
