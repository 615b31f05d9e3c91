"""Tests of fl_server."""
