"""Setting up a federation: what needs no disk."""
