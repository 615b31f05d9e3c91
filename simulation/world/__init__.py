"""A deterministic procedural store world, rendered to frames with exact ground truth."""
