"""Tests without disk, network or clock."""
