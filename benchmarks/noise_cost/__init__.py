"""What noise costs the mean of updates, and a model that is trained on it."""
