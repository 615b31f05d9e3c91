"""What int8 costs and saves on one core."""
