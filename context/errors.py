"""Errors of this package.

ContextError
└── SiteDescriptionError   a site description contradicts itself
"""


class ContextError(Exception):
    """Base of every error this package raises for bad outside input."""


class SiteDescriptionError(ContextError):
    """A site description names something it does not define."""
