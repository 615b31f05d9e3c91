"""InfoNCE: of a batch of pairs, each first half should be most like its own second half.

Letters in shapes: N pairs, P size of an embedding.

Source:
    van den Oord et al., 2018, equation 4. https://arxiv.org/abs/1807.03748
"""

import torch
from torch import Tensor
from torch.nn import functional

TEMPERATURE = 0.2


def info_nce(first: Tensor, second: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """Mean over both directions of the cross-entropy of finding each one's partner among all of the batch.

    Args:
        first: ``(..., N, P)``; leading dimensions are batches of their own.
        second: ``(..., N, P)``, row by row the partners.
        temperature: What cosines are divided by. Must be > 0.

    Returns:
        Nats; the logarithm of N where all embeddings are alike. Scalar.
    """
    likeness = cosine(first, second) / temperature  # (..., N, N)
    own = torch.diagonal(likeness, dim1=-2, dim2=-1)  # (..., N)
    return 0.5 * (likeness.logsumexp(dim=-1) - own).mean() + 0.5 * (likeness.logsumexp(dim=-2) - own).mean()


def cosine(first: Tensor, second: Tensor) -> Tensor:
    """Cosine of all rows of ``first`` ``(..., N, P)`` with all of ``second`` ``(..., M, P)``. ``(..., N, M)``."""
    return functional.normalize(first, dim=-1) @ functional.normalize(second, dim=-1).transpose(-2, -1)
