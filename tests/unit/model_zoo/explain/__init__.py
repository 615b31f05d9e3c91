"""Tests of model_zoo.explain."""
