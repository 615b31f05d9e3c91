"""Tests of the behaviours."""
