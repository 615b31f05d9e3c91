"""Rounds: aggregation and the server optimizer."""
