"""Makes whole what a killed program has written of a clip: ``python -m fl_client.recording.mending FOLDER ALERT_ID``.

In a process of its own, for what is in such a file came from a camera. Prints the SHA-256 of the clip; exits with
status 1 where there is nothing to make whole. With one argument, a segment of the continuous recording, prints how many
seconds of it can be read.
"""

import logging
import subprocess
import sys
from pathlib import Path

from fl_client.errors import ClipError
from fl_client.recording.clip_files import clip_digest, clip_paths, part_path

logger = logging.getLogger(__name__)

MEND_TIMEOUT_S = 120.0
_DIGEST_CHARACTERS = 64


def mended_clip(folder: Path, alert_id: str) -> str | None:
    """Has the clip of an alert made whole; its SHA-256, or None where nothing of it can be kept."""
    command = [sys.executable, "-m", "fl_client.recording.mending", str(folder), alert_id]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=MEND_TIMEOUT_S, check=False)  # noqa: S603 - our own module
    except (OSError, subprocess.TimeoutExpired) as error:
        logger.warning("clip cannot be made whole", extra={"alert_id": alert_id, "reason": type(error).__name__})
        return None
    digest = ended.stdout.strip()
    if ended.returncode != 0 or len(digest) != _DIGEST_CHARACTERS:
        reason = ended.stderr.strip().rpartition("\n")[2] or f"status {ended.returncode}"
        logger.warning("clip cannot be made whole", extra={"alert_id": alert_id, "reason": reason})
        return None
    return digest


def length_of(path: Path) -> float:
    """Seconds from the first picture of a segment to its last, as far as it was written; 0 where none can be read."""
    command = [sys.executable, "-m", "fl_client.recording.mending", str(path)]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=MEND_TIMEOUT_S, check=False)  # noqa: S603 - our own module
        return max(0.0, float(ended.stdout))
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        logger.warning("segment cannot be read", extra={"segment": path.name, "reason": type(error).__name__})
        return 0.0


def tell_length(path: Path) -> int:
    """Prints the length of a segment; the exit status."""
    import av

    first_s = last_s = None
    try:
        with av.open(str(path)) as container:
            for packet in container.demux(video=0):
                if packet.pts is not None:
                    shown_s = float(packet.pts * packet.time_base)
                    first_s = shown_s if first_s is None else min(first_s, shown_s)
                    last_s = shown_s if last_s is None else max(last_s, shown_s)
    except (OSError, av.FFmpegError) as error:  # cut off: what came before counts
        sys.stderr.write(f"{error}\n")
    sys.stdout.write(f"{(last_s or 0.0) - (first_s or 0.0):.3f}\n")
    return 0


def main(folder: Path, alert_id: str) -> int:
    """Mends one clip; the exit status."""
    from fl_client.recording.packet_clip import whole_clip  # loads FFmpeg

    for path in clip_paths(folder, alert_id):
        try:
            if path.exists():  # whole, and its program died before it could say so
                sys.stdout.write(clip_digest(path) + "\n")
                return 0
            if part_path(path).exists():
                sys.stdout.write(whole_clip(part_path(path), path) + "\n")
                return 0
        except (ClipError, OSError) as error:
            part_path(path).unlink(missing_ok=True)
            sys.stderr.write(f"{error}\n")
            return 1
    sys.stderr.write("nothing of it was written\n")
    return 1


if __name__ == "__main__":
    _first, *_rest = sys.argv[1:]
    sys.exit(main(Path(_first), _rest[0]) if _rest else tell_length(Path(_first)))
