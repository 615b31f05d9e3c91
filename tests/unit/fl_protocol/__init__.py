"""Tests of fl_protocol."""
