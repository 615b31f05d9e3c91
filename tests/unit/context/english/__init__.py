"""Unit tests of the package context."""
