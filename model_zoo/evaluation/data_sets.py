"""Data sets that can be evaluated, by name."""

from collections.abc import Callable
from pathlib import Path

from model_zoo.datasets.clip import DataSet
from model_zoo.datasets.pets import read_pets
from model_zoo.datasets.published import read_avenue, read_shanghaitech, read_ucf_crime, read_ucsd

READERS: dict[str, Callable[[Path], DataSet]] = {
    "ped2": read_ucsd,
    "avenue": read_avenue,
    "shanghaitech": read_shanghaitech,
    "ucf-crime": read_ucf_crime,
    "pets": read_pets,
}
