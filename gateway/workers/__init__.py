"""Several processes that are one node: a first one that speaks for it, and workers that serve."""

CHANNEL_FLAG = "--channel"
"""Of the command: the descriptor of a worker's end of its channel. Nobody sets it but who starts workers."""
