"""How any process starts and stops: configuration, logging, atomic files, shutdown."""
