"""One line on the terminal that says how watching goes; nothing where standard output is not a terminal."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live
from rich.text import Text

from context.severity import severity_word
from fl_client.box import Box

_PER_S = 2.0


def status_text(box: Box) -> str:
    """The line: frames, rate, what the last frame was like, alerts, and what went wrong."""
    totals = box.totals
    state = "learning" if totals.is_learning else f"severity {severity_word(totals.severity)}"
    line = f"{totals.counts.num_decoded} frames, {totals.frames_per_s:.0f} fps, {state}, {totals.num_alerts} alerts"
    troubles = {"dropped": totals.counts.num_dropped, "restarts": totals.num_restarts}
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
