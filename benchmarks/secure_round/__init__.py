"""What a secure round costs, beside plain averaging and Flower's own secure aggregation."""
