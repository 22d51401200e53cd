"""The limits that a request meets: routes, windows, concurrency. No I/O.

Imports the contract, and values of identity and limiter.
"""
