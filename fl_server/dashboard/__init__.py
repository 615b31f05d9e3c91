"""The operator's page: what it shows and how it looks. HTTP is in ``fl_server.api``."""
