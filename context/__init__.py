"""When and where something is unusual: site description, zones, schedule and context vector."""
