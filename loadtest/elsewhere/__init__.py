"""Runs on a cluster that is there already: whose nodes, limits and other clients are not ours."""
