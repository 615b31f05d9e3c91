"""What heads are given of a batch of tubelets.

Letters in shapes: N tubelets, R steps read, A areas of a crop, G channels of an area, P size of a look, M motion
features, E size of the condition, X pixels of a small picture.
"""

import dataclasses

from torch import Tensor


@dataclasses.dataclass(frozen=True)
class TubeletView:
    """Encoded tubelets; tensors of equal first length."""

    areas: Tensor  # (N, R, G, A)
    looks: Tensor  # (N, R, P)
    motion: Tensor  # (N, R, M)
    condition: Tensor  # (N, E)


@dataclasses.dataclass(frozen=True)
class ViewShape:
    """Sizes of a view."""

    num_areas: int
    area_channels: int
    look_size: int
    num_motion: int
    condition_size: int
