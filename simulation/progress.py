"""Live progress on standard error: bars on a terminal, one line a stage elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Stages:
    """The stages of a run, each with a number of steps."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description:<44}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[facts]}"),
            console=console,
            disable=not console.is_terminal,
        )

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Shows the bars while in use."""
        with self._progress:
            yield

    @contextmanager
    def stage(self, title: str, num_steps: int) -> Iterator["Stage"]:
        """One stage of ``num_steps`` steps."""
        began = time.monotonic()
        task = self._progress.add_task(title, total=num_steps, facts="")
        stage = Stage(self._progress, task)
        yield stage
        if not self._console.is_terminal:
            self._console.print(f"{title}: {time.monotonic() - began:.1f} s {stage.facts}".rstrip(), highlight=False)


class Stage:
    """A running stage."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task
        self.facts = ""

    def step(self, facts: str = "") -> None:
        """One step further, with a few figures worth showing."""
        self.facts = facts or self.facts
        self._progress.update(self._task, advance=1, facts=self.facts)
