"""The model that ships: trained on the synthetic world alone, by ``make default-model``."""

from pathlib import Path

DEFAULT_MODEL = Path(__file__).parent / "model.int8.onnx"
"""What a site runs before any release reaches it."""

DEFAULT_CHECKPOINT = Path(__file__).parent / "training.npz"
"""Where a federation's first training run starts."""

DEFAULT_CARD = Path(__file__).parent / "card.json"
"""How the model was made, and what it was measured to reach on footage of the same world."""
