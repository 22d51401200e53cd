"""What a node counts and says of itself."""
