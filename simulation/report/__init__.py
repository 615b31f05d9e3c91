"""The self-contained report of one simulation run."""
