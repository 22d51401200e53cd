"""The dashboard: what the subject sees, in a browser, and limits changed from there with a token."""
