"""A sum of vectors that shows the coordinator the total and nobody's part."""
