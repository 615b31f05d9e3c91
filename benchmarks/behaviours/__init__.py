"""Behaviours on the synthetic world: who shows them, and what they cost."""
