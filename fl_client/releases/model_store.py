"""Models on this box: which one is current, and whether it is whole."""

import hashlib
import logging
from pathlib import Path

from fl_runtime.atomic_file import write_atomically

logger = logging.getLogger(__name__)


class ModelStore:
    """``DIGEST.onnx`` files, and ``current`` with the digest of the one in use; without it, the shipped default is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current = folder / "current"

    def current_model(self) -> Path | None:
        """The last good model, or None where the shipped default is to be used.

        A damaged one is never used: it is reported, and the shipped default steps in.
        """
        if not self._current.exists():
            return None
        digest = self._current.read_text(errors="replace").strip()
        path = self._folder / f"{digest}.onnx"
        if path.parent == self._folder and path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            return path
        logger.warning("stored model is damaged; using the shipped default")
        return None

    def store(self, digest: str, content: bytes) -> Path:
        """Writes a model beside the current one; it is not yet current."""
        path = self._folder / f"{digest}.onnx"
        write_atomically(path, content)
        return path

    def adopt(self, digest: str) -> None:
        """Makes a stored model current, and removes the others."""
        write_atomically(self._current, digest.encode())
        for path in self._folder.glob("*.onnx"):
            if path.stem != digest:
                path.unlink()

    def forget(self) -> None:
        """Goes back to the shipped default."""
        self._current.unlink(missing_ok=True)
