"""What the person at the box sees."""
