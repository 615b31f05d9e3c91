"""From scores to a judged frame: objects with zone, severity and reason."""

import dataclasses

from context.behaviour.observer import Findings
from context.severity import severity_score
from context.site import Camera
from fl_client.inference.perceived import Perceived
from fl_client.inference.rules import Told
from fl_client.inference.scoring import CameraScorer, StreamScorer, Surprise
from model_zoo.evaluation.frame_auc import EMA_WEIGHT
from model_zoo.perception.tubelet import Box

WORTH_A_REASON = 0.4
"""Severity from which it is worth working out why; events go on down to here."""


@dataclasses.dataclass(frozen=True)
class ScoredObject:
    """One object of a frame with its score."""

    track_id: int
    box: Box
    calibrated: float
    severity: float
    zone: str
    """Name of the zone, empty outside all."""
    why: str
    """What is unusual about it; empty where nothing much is."""
    behaviours: Findings
    """What was measured of its behaviour, beyond its limit or not."""


@dataclasses.dataclass(frozen=True)
class ScoredFrame:
    """One frame's scores."""

    instant_s: float
    objects: tuple[ScoredObject, ...]
    score: float
    """Fused surprise of the most unusual object, smoothed by a causal EMA."""
    severity: float
    operational_state: str
    is_learning: bool
    unscored: Findings = ()
    """What things too low to be scored do beyond the limits."""
    told: tuple[Told, ...] = ()
    """What rules waited for and has happened."""


class FrameJudge:
    """Judges one stream, frame by frame.

    Args:
        scorer: Scores the objects.
        camera: Names the zones.
    """

    def __init__(self, scorer: CameraScorer, camera: Camera) -> None:
        self._stream = StreamScorer(scorer)
        self._zones = ["", *(zone.name for zone in camera.zones)]
        self._ema: float | None = None

    def judge(self, seen: Perceived) -> tuple[ScoredFrame, Surprise]:
        """Takes the next frame; returns it judged, and the surprise of each judged object by channel."""
        scores = self._stream.score(seen)
        calibrated = scores.surprise.calibrated
        objects = []
        for index, row in enumerate(scores.rows):
            severity = severity_score(float(calibrated[index]))
            why = self._stream.scorer.why(scores, index) if severity >= WORTH_A_REASON else ""
            zone = self._zones[seen.zone_slot[row]]
            known = int(seen.track_ids[row]), seen.boxes[row], float(calibrated[index])
            objects.append(ScoredObject(*known, severity, zone, why, seen.behaviours[row]))
        top = float(scores.surprise.fused.max(initial=0.0))
        self._ema = top if self._ema is None else (1 - EMA_WEIGHT) * self._ema + EMA_WEIGHT * top
        severity = max((scored.severity for scored in objects), default=0.0)
        low = tuple(finding for findings in seen.low_behaviours for finding in findings if finding.holds)
        state = seen.moment.state.value
        frame = ScoredFrame(seen.instant_s, tuple(objects), self._ema, severity, state, is_learning=False, unscored=low)
        return frame, scores.surprise

    def take_over(self, scorer: CameraScorer) -> None:
        """Goes on with another scorer; tracks start anew, the smoothed score goes on."""
        self._stream = StreamScorer(scorer)
