"""Laws, checked with Hypothesis."""
