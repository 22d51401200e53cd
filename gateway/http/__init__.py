"""HTTP/1.1 without I/O: bytes in, values or errors out.

Imports only this folder and `gateway.access`. Each rule names its RFC section.
"""
