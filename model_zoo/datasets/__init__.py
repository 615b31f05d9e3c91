"""Footage with labels, in the folder layouts its authors publish."""
