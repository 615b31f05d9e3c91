"""What was recorded, as lines: segments that play, and the gaps between them."""

import contextlib
import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from fl_client.errors import StateError
from fl_client.storage.database import open_database
from fl_client.storage.recordings import RecordingStore


def timeline(state_dir: Path, camera: str | None = None) -> Iterator[str]:
    """One line for each segment and each gap, camera by camera, in order of time.

    Args:
        state_dir: The client's folder.
        camera: Only of this one.

    Raises:
        StateError: There is no client's database, or none that can be read.
    """
    path = state_dir / "client.sqlite"
    if not path.is_file():
        raise StateError(f"{path}: no such file; expected the state folder of a client")
    with contextlib.closing(open_database(path)) as database:
        store = RecordingStore(database, state_dir / "recordings")
        found = [
            (one.camera, one.began_s, one.ended_s, f"{one.tier.name.lower()} {one.name}")
            for one in store.segments(camera)
        ]
        found += [(gap.camera, gap.began_s, gap.ended_s, f"GAP {gap.cause}") for gap in store.gaps(camera)]
    for name, began_s, ended_s, what in sorted(found, key=lambda one: one[:2]):
        length = "now" if ended_s is None else f"{ended_s - began_s:.1f} s"
        yield f"{name} {_instant(began_s)} {length} {what}"


def _instant(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
