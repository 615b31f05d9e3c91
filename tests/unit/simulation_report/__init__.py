"""Unit tests of the report of a simulation run."""
