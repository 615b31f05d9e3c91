"""Contrastive pretraining: what belongs together is alike."""
