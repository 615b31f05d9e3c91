"""One site: cameras, events, alerts, feedback, local training and model swaps."""
