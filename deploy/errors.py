"""Errors of this package.

DeployError   a folder, file, key or command is not as the step needs it
"""


class DeployError(Exception):
    """A folder, file, key or command is not as the step needs it; says which, what was expected and what came."""
