"""The secret a site proves itself with.

The site makes it and writes it down before it shows it to the coordinator: a lost answer cannot lock the site out.
"""

import secrets
from pathlib import Path

from fl_runtime.atomic_file import write_atomically

_TOKEN_BYTES = 48


def site_token(path: Path) -> str:
    """The site's token, made now if there is none yet; only its owner may read the file.

    Raises:
        OSError: The file cannot be read or written.
    """
    if not path.exists():
        write_atomically(path, secrets.token_urlsafe(_TOKEN_BYTES).encode(), mode=0o600)
    return path.read_text().strip()
