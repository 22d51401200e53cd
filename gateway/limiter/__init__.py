"""Decides whether a request may pass: one sliding window for all nodes, in Redis, or without Redis."""
