"""Several processes that are one node: a first one that speaks for it, and workers that serve."""
