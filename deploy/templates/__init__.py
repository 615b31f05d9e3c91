"""Texts of scripts, units and configuration files, with ``@NAME@`` where a value belongs."""

import re
from collections.abc import Mapping
from pathlib import Path

_PLACE = re.compile(r"@([A-Z_]+)@")


def filled(name: str, values: Mapping[str, object]) -> bytes:
    """The template of that name with its values.

    Args:
        name: File name in this folder.
        values: By name; those the template does not name are not used.

    Raises:
        KeyError: The template names a value that is not given.
    """
    template = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return _PLACE.sub(lambda place: str(values[place.group(1)]), template).encode()
