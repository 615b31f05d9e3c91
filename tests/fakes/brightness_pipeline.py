"""A pipeline that needs no model: a bright picture is unusual. Deterministic and fast, to test what surrounds it."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from context.behaviour.finding import Finding
from context.site import Camera, Site
from fl_client.capture.wire import Picture
from fl_client.inference.dialogue import Start
from fl_client.inference.rules import Told
from model_zoo.errors import ModelFileError

DEFAULT_DIGEST = "d" * 64
BRIGHT = 128.0
DEADLY = b"good, but kills whoever loads it"


@dataclasses.dataclass(frozen=True)
class BrightObject:
    """The bright part of a frame."""

    box: npt.NDArray[np.float32]
    severity: float
    zone: str
    why: str
    behaviours: tuple[Finding, ...] = ()


@dataclasses.dataclass(frozen=True)
class BrightFrame:
    """A frame scored by its mean brightness."""

    instant_s: float
    objects: tuple[BrightObject, ...]
    score: float
    severity: float
    operational_state: str
    is_learning: bool
    unscored: tuple[Finding, ...] = ()
    told: tuple[Told, ...] = ()


class BrightnessPipeline:
    """Scores brightness; remembers in memory what it was told to keep and what feedback it got.

    A model file is "good" when it begins with ``good``.
    """

    def __init__(self, start: Start, _site: Site, _camera: Camera) -> None:
        self.model_digest = DEFAULT_DIGEST
        self.kept: dict[str, tuple[float, float]] = {}
        self.feedback: list[tuple[str, str]] = []
        self.is_closed = False
        self._learn_for_s = start.learn_for_s
        self._first_s: float | None = None
        if start.model_path is not None:
            self.swap_model(start.model_path)

    is_busy = True

    def process(self, frame: Picture, instant_s: float) -> BrightFrame:
        """Severity 0.9 for a bright frame, 0 for a dark one."""
        self._first_s = instant_s if self._first_s is None else self._first_s
        brightness = float(frame.mean())
        severity = 0.9 if brightness > BRIGHT else 0.0
        bright = BrightObject(np.array([0.25, 0.25, 0.75, 1.25], np.float32), severity, "till", "Bright at the till.")
        is_learning = instant_s - self._first_s < self._learn_for_s
        return BrightFrame(instant_s, (bright,), brightness, severity, "open", is_learning)

    def swap_model(self, model_path: Path) -> str:
        """Takes a file that begins with ``good``; its name is its digest."""
        content = model_path.read_bytes()
        if content.startswith(DEADLY):
            os.abort()
        if not content.startswith(b"good"):
            raise ModelFileError("expected a good model")
        self.model_digest = model_path.stem
        return self.model_digest

    def keep_event_tubelets(self, alert_id: str, started_s: float, ended_s: float) -> None:
        """Remembers the interval."""
        self.kept[alert_id] = (started_s, ended_s)

    def apply_feedback(self, alert_id: str, label: str) -> bool:
        """Remembers the verdict."""
        self.feedback.append((alert_id, label))
        return alert_id in self.kept

    def close(self) -> None:
        """Remembers that it was closed."""
        self.is_closed = True
