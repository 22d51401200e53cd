"""What is shown: texts for people, JSON and metrics for programs."""
