"""Heads by name."""

from model_zoo.heads.deep_svdd import DeepSvdd
from model_zoo.heads.mulde import Mulde
from model_zoo.heads.next_frame import NextFrame
from model_zoo.pretraining.trinity import Trinity

Head = type[DeepSvdd] | type[Mulde] | type[NextFrame] | type[Trinity]

HEADS: dict[str, Head] = {
    "next_frame": NextFrame,
    "trinity": Trinity,
    "deep_svdd": DeepSvdd,
    "mulde": Mulde,
}
