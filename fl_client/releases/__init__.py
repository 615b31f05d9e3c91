"""Newer models from the coordinator: fetched, checked, and in use without a dropped frame."""
