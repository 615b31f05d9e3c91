"""From frames to tracked objects, one frame at a time.

Frame -> grey analysis picture -> foreground -> boxes -> tracks -> crop and motion of each object. A quiet picture
costs a background subtraction and no more.
"""

import dataclasses
import math

import cv2
import numpy as np
import numpy.typing as npt

from model_zoo.errors import FootageError
from model_zoo.perception.background import Frame, LiveBackground, Mask, Picture, analysis_picture, grey_picture
from model_zoo.perception.flow import Flow, FlowEstimator, displacements
from model_zoo.perception.low_things import LowThing, LowThings
from model_zoo.perception.object_kind import KindVotes
from model_zoo.perception.perspective import Boxes
from model_zoo.perception.proposer import BlobProposer, Look, Proposer
from model_zoo.perception.scene import Scene
from model_zoo.perception.stage_clock import StageClock
from model_zoo.perception.tracker import Track, Tracker
from model_zoo.perception.tubelet import ANALYSIS_FPS, CROP_SIDE, Box, Crop, ObservedObject
from model_zoo.perception.velocity import EdgeSpeeds, EdgeTracker, fused_velocity

CROP_MARGIN = 1.2
"""Side of the square that a crop shows, in longer sides of the box."""

_LONGEST_GAP_FRAMES = 5.0


@dataclasses.dataclass(frozen=True)
class _Stay:
    """Where a track's foot was when it last left the place it stayed at, and when."""

    foot: npt.NDArray[np.float64]  # (2,)
    since_s: float


class Perceiver:
    """Watches one camera.

    Args:
        scene: The camera's background and perspective.
        fps: Frames a second that ``update`` will be called at, roughly; after a gap of several frames tracks end.
        proposer: Where objects may be; the foreground's blobs when absent.
        clock: Told how long each stage takes.
        low: Follows what is too low to be an object here; such things are not looked for when absent.
    """

    def __init__(
        self,
        scene: Scene,
        fps: float = ANALYSIS_FPS,
        proposer: Proposer | None = None,
        clock: StageClock | None = None,
        low: LowThings | None = None,
    ) -> None:
        self._perspective = scene.perspective
        self._proposer = proposer or BlobProposer(scene.perspective)
        self._background = LiveBackground(scene.background)
        self._clock = clock or StageClock()
        self._longest_gap_s = _LONGEST_GAP_FRAMES / fps
        self._low = low
        self._low_things: tuple[LowThing, ...] = ()
        self._tracker = Tracker()
        self._flow = FlowEstimator()
        self._edges = EdgeTracker()
        self._kinds = KindVotes()
        self._stays: dict[int, _Stay] = {}
        self._last_s = -math.inf
        self._elapsed_s = math.inf
        self._is_empty = False

    @property
    def scene(self) -> Scene:
        """The scene as it looks now; worth saving after it has followed the daylight."""
        return Scene(self._background.picture, self._perspective)

    @property
    def is_empty(self) -> bool:
        """Whether the last frame showed nothing but background, and nothing is followed."""
        return self._is_empty

    @property
    def low_things(self) -> tuple[LowThing, ...]:
        """The low things at rest in the last frame."""
        return self._low_things

    def refresh(self, background: Picture) -> None:
        """Replaces the background, as where the light changes with the operational state; tracks go on.

        Args:
            background: ``(h, w)``, of the same size as the scene's.

        Raises:
            ValueError: the size is another.
        """
        expected = self._background.picture.shape
        if background.shape != expected:
            raise ValueError(f"expected a background of shape {expected}, got {background.shape}")
        self._background = LiveBackground(background)

    def reset(self) -> None:
        """Ends all tracks, as between two clips of one camera."""
        self._tracker.reset()
        self._flow.reset()
        self._edges.reset()
        self._proposer.reset()
        self._kinds.reset()
        self._stays.clear()
        self._low_things = ()
        if self._low is not None:
            self._low.reset()
        self._last_s = -math.inf

    def update(self, frame: Frame, instant_s: float) -> tuple[ObservedObject, ...]:
        """Takes the next frame and returns the objects in it.

        The first frame, and the first after a gap or a step back in time, yields none: motion needs two.

        Args:
            frame: ``(H, W)`` grey or ``(H, W, 3)`` BGR, uint8; of the proportions the scene was fitted on.
            instant_s: When the frame was taken, in seconds on any clock.

        Raises:
            FootageError: the frame cannot be used, or is not of the scene's proportions.
        """
        with self._clock.stage("background"):
            grey = grey_picture(frame)
            picture = analysis_picture(grey)
            mask = self._foreground(picture, instant_s)
        self._is_empty = False
        if mask is None:
            return ()
        with self._clock.stage("flow"):
            flow = self._flow.update(picture, mask)
        with self._clock.stage("proposals"):
            look = Look(frame, mask, flow)
            proposals = self._proposer.propose(look)
        with self._clock.stage("tracks"):
            nothing_proposed = not len(proposals.boxes)
            proposals, tracks = self._tracker.update(proposals)
            self._is_empty = nothing_proposed and not mask.any() and not self._tracker.tracks
            in_sight = {track.track_id for track in self._tracker.tracks if not track.is_lost}
            votes = self._kinds.update(
                [track.track_id for track in tracks], in_sight, proposals.kind, proposals.confidence
            )
            if self._low is not None:
                self._low_things = self._low.update(look, proposals.boxes, instant_s)
            edges = None
            if self._proposer.follows_edges:
                edges = self._edges.update(tracks, in_sight, proposals.boxes, instant_s)
            if flow is None:
                return ()
            motion = self._motion(tracks, proposals.boxes, self._speeds_px(flow, proposals.boxes, edges), instant_s)
        with self._clock.stage("crops"):
            return tuple(
                ObservedObject(track.track_id, box, crop_around(grey, box), step, track.in_sight, vote)
                for track, box, step, vote in zip(tracks, proposals.boxes, motion, votes, strict=True)
            )

    def _foreground(self, picture: Picture, instant_s: float) -> Mask | None:
        """The foreground; ``None`` in a sudden change. Tracks end there, and after a gap or a step back in time."""
        expected = self._background.picture.shape
        if picture.shape != expected:
            raise FootageError(f"expected frames that scale to {expected} as the scene's did, got {picture.shape}")
        self._elapsed_s = instant_s - self._last_s
        if not 0.0 < self._elapsed_s <= self._longest_gap_s:
            self.reset()
        self._last_s = instant_s
        mask = self._background.subtract(picture, instant_s)
        if mask is None:
            self.reset()
        return mask

    def _speeds_px(self, flow: Flow, boxes: Boxes, edges: EdgeSpeeds | None) -> npt.NDArray[np.float64]:
        """Velocity, speed and articulation in pixels a second. ``(N, 4)``."""
        height_px, width_px = self._background.picture.shape
        speeds = displacements(flow, boxes, (height_px, width_px)) / self._elapsed_s
        if edges is not None:
            speeds[:, :2] = fused_velocity(speeds[:, :2], edges * [width_px, height_px, width_px, height_px])
        return speeds

    def _motion(
        self, tracks: tuple[Track, ...], boxes: Boxes, speed_px: npt.NDArray[np.float64], instant_s: float
    ) -> npt.NDArray[np.float32]:
        """The motion features of each object, in the order of ``MOTION_FEATURES``. ``(N, M)``."""
        height_px, width_px = self._background.picture.shape
        expected = self._perspective.expected_height(boxes[:, 3])  # (N,)
        size = (boxes[:, 2:] - boxes[:, :2]) * [width_px / height_px, 1.0] / expected[:, None]
        velocity = speed_px / (expected[:, None] * height_px)  # (N, 4)
        feet = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2 * width_px / height_px, boxes[:, 3]], axis=1)
        stayed = self._stayed(tracks, feet, expected, instant_s)
        return np.column_stack([velocity, size[:, 1], size[:, 0], np.log1p(stayed)]).astype(np.float32)

    def _stayed(
        self,
        tracks: tuple[Track, ...],
        feet: npt.NDArray[np.float64],
        expected: npt.NDArray[np.float64],
        instant_s: float,
    ) -> npt.NDArray[np.float64]:
        """Seconds each track has stayed within one expected height of one place. ``(N,)``."""
        alive = {track.track_id for track in self._tracker.tracks}
        stays = {track_id: stay for track_id, stay in self._stays.items() if track_id in alive}
        for track, foot, radius in zip(tracks, feet, expected, strict=True):
            stay = stays.get(track.track_id)
            if stay is None or np.hypot(*(foot - stay.foot)) > radius:
                stays[track.track_id] = _Stay(foot, instant_s)
        self._stays = stays
        return np.array([instant_s - stays[track.track_id].since_s for track in tracks])


def crop_around(grey: Picture, box: Box) -> Crop:
    """The square around a box, 1.2 times its longer side, continued at the picture's border by its last pixels.

    Args:
        grey: Picture at any size, ``(H, W)``.
        box: ``(4,)`` fractions, at least partly inside the picture.

    Returns:
        ``(CROP_SIDE, CROP_SIDE)``.
    """
    height_px, width_px = grey.shape
    left, top, right, bottom = box * np.array([width_px, height_px, width_px, height_px])
    side = max(2, round(CROP_MARGIN * max(right - left, bottom - top)))
    first_x, first_y = round((left + right - side) / 2), round((top + bottom - side) / 2)
    low_x, low_y = max(first_x, 0), max(first_y, 0)
    high_x, high_y = min(first_x + side, width_px), min(first_y + side, height_px)
    window = grey[low_y:high_y, low_x:high_x]
    if window.shape != (side, side):
        beyond = (low_y - first_y, first_y + side - high_y, low_x - first_x, first_x + side - high_x)
        window = np.asarray(cv2.copyMakeBorder(window, *beyond, cv2.BORDER_REPLICATE), np.uint8)
    shrinks = side > CROP_SIDE
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(window, (CROP_SIDE, CROP_SIDE), interpolation=method), np.uint8)
