"""How many cameras a box sustains, beside the pipeline that a user would write first."""
