"""Unit tests of the package fl_runtime."""
