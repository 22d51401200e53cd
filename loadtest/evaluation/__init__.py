"""``loadtest evaluate``: how well the subject finds what is wrong, over many runs of all scenarios."""
