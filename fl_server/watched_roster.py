"""The roster as the coordinator's API knows it: read again whenever the operator has put another in its place.

A newer roster counts with the next request, without a restart. One that is not to be believed (rollback, equivocation,
not the operator's) or cannot be read is refused and told once; the one before goes on to count, for a mistake while
copying must not keep alerts away.
"""

import logging
import threading
from pathlib import Path

from fl_protocol.errors import RosterError
from fl_protocol.roster import Roster, verify_roster
from fl_server.errors import StartError

logger = logging.getLogger(__name__)


class WatchedRoster:
    """The newest roster of a file; may be asked from several threads.

    Args:
        path: The signed roster.
        operator_key_file: The public key it is signed with, raw hexadecimal.

    Raises:
        StartError: A file cannot be read, or the roster is not the operator's.
    """

    def __init__(self, path: Path, operator_key_file: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._problem: str | None = None
        try:
            self._operator_key = bytes.fromhex(operator_key_file.read_text().strip())
            self._signed = path.read_bytes()
            self._roster = verify_roster(self._signed, self._operator_key, newest_version=1)
        except OSError as error:
            raise StartError(f"{error.filename}: {error.strerror}") from error
        except RosterError as error:
            raise StartError(f"{path}: {error}") from error
        except ValueError as error:
            raise StartError(f"{operator_key_file}: expected a public key, 64 hex digits") from error

    def newest(self) -> Roster:
        """The newest roster that could be believed."""
        with self._lock:
            try:
                self._take(self._path.read_bytes())
            except OSError as error:
                self._tell(f"cannot be read: {error.strerror}")
            except RosterError as error:
                self._tell(str(error))
            else:
                self._problem = None
            return self._roster

    def _take(self, signed: bytes) -> None:
        if signed == self._signed:
            return
        kept = self._roster
        self._roster = verify_roster(signed, self._operator_key, newest_version=kept.version, newest_digest=kept.digest)
        self._signed = signed
        logger.info("newer roster taken", extra={"version": self._roster.version, "sites": len(self._roster.sites)})

    def _tell(self, problem: str) -> None:
        if problem != self._problem:
            facts = {"path": str(self._path), "reason": problem, "version": self._roster.version}
            logger.error("roster refused; the one before stays", extra=facts)
        self._problem = problem
