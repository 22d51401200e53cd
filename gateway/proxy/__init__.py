"""HTTP in and HTTP out."""
