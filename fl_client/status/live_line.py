"""One line on the terminal that says how watching goes; nothing where standard output is not a terminal."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live
from rich.text import Text

from context.severity import severity_word
from fl_client.capture.camera_feed import CameraFeed
from fl_client.recording.event_recorder import EventRecorder
from fl_client.watch import Progress

_PER_S = 2.0


def status_text(feed: CameraFeed, progress: Progress, recorder: EventRecorder) -> str:
    """The line: frames, rate, what the last frame was like, alerts, and what went wrong."""
    rate = feed.num_decoded / progress.watched_s if progress.watched_s else 0.0
    state = "learning" if progress.is_learning else f"severity {severity_word(progress.severity)}"
    line = f"{feed.num_decoded} frames, {rate:.0f} fps, {state}, {recorder.num_alerts} alerts"
    troubles = {"dropped": feed.num_dropped, "restarts": feed.num_restarts}
    return line + "".join(f", {count} {name}" for name, count in troubles.items() if count)


@contextlib.contextmanager
def live_line(text_fn: Callable[[], str]) -> Iterator[None]:
    """Shows ``text_fn()`` twice a second for as long as the block runs."""
    if not sys.stdout.isatty():
        yield
        return
    console = Console()
    with Live(console=console, refresh_per_second=_PER_S, get_renderable=lambda: Text(text_fn()), transient=True):
        yield
