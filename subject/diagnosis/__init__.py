"""From findings to problems: what explains what, and since when."""
