"""Decides whether a request is admitted, by sliding windows that all nodes count in Redis, or without Redis.

`Limiter` decides by `Store`, `WindowCache` and `Fallback`. Nothing here imports admission, policy or proxy.
"""
