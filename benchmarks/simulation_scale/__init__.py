"""How long rounds of many sites on one machine take, and what memory, beside Flower's simulation on Ray."""
