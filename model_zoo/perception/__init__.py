"""From frames to tracked objects and tubelets."""
