"""In-memory worlds that tests run against."""
