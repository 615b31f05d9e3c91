"""Normality models built from additive sums."""
