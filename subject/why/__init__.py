"""Why one client is refused, or is not."""
