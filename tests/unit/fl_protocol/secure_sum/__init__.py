"""The secure sum, one module after the other, and what attacks it."""
