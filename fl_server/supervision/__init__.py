"""Wanted trainings are kept running: what to do next, Flower's commands, and the loop around both."""
