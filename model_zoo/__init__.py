"""How unusual a clip looks: perception, models, normality, training, evaluation and export."""
