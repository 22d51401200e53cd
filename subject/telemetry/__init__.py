"""What Redis and nodes say: all that the subject reads, and recordings of it."""
