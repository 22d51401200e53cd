"""Starts a local cluster, drives it with locust, judges what came out."""
