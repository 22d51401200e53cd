"""What a run came to: an HTML page with plots for people, and JSON with the same figures for programs."""
