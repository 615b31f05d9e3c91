"""All HTTP of the coordinator."""
