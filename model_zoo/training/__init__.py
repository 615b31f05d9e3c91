"""Losses, pseudo-anomalies and the local training loop."""
