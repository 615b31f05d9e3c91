"""The line to the coordinator: alerts and clips up, feedback down. Nothing here holds up watching."""
