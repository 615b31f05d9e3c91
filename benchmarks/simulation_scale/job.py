"""What one measurement runs, and when its rounds ended. Ray's interpreter reads this file, too: Python alone."""

import dataclasses
import json
import time
from pathlib import Path
from typing import Literal

Engine = Literal["secure", "plain", "ray"]


@dataclasses.dataclass(frozen=True)
class Job:
    """One run of an engine."""

    engine: Engine
    num_clients: int
    num_parameters: int
    num_moments: int
    """Values beside the update, in secure rounds."""
    num_rounds: int
    num_workers: int
    num_cpus: int
    seed: int
    deadline_s: float
    folder: str
    """Empty, and its own."""

    def encode(self) -> str:
        """As an argument of a command."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def decode(cls, argument: str) -> "Job":
        """Reads what ``encode`` wrote."""
        return cls(**json.loads(argument))

    @property
    def marks_file(self) -> Path:
        """One line for each round that ended."""
        return Path(self.folder) / "marks"

    def mark(self) -> None:
        """Says that a round has ended just now, on the clock that all processes of a machine share."""
        with self.marks_file.open("a", encoding="utf-8") as marks:
            marks.write(f"{time.monotonic()!r}\n")

    def marked_s(self) -> list[float]:
        """When each round ended; none before the first has."""
        return [float(line) for line in self.marks_file.read_text(encoding="utf-8").split()]
