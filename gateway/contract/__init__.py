"""What nodes and observers share: keys, limit grammar, window arithmetic, client ids and records.

Standard library only, and no module here opens a socket, reads a clock or looks at the environment.
"""
