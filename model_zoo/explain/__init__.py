"""Why a model scores as it does."""
