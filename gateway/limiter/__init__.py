"""Decides whether a request may pass: sliding windows for all nodes together, in Redis, or without it."""
