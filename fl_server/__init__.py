"""One federation: rounds, registry, alerts, feedback and the operator's page."""
