"""What an operator changes, and what came of it."""
