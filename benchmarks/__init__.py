"""Measurements with commands of their own; none is part of the tests."""
