"""Errors of this package.

ModelZooError
├── FetchError      a published file that could not be had
├── FootageError    frames or labels that cannot be used as given
├── ModelFileError  a model file that is damaged or of another schema
└── NormalityError  statistics that do not fit together
"""


class ModelZooError(Exception):
    """Base of every error this package raises for bad outside input."""


class FetchError(ModelZooError):
    """A published file could not be had, or what came is another file."""


class FootageError(ModelZooError):
    """Frames or labels cannot be used as given."""


class ModelFileError(ModelZooError):
    """A model file is damaged, incomplete or of another schema."""


class NormalityError(ModelZooError):
    """Normality statistics do not fit together."""
