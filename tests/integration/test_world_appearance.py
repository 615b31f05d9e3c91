"""What only looks wrong is perceived: tracked objects cover it, and it measures like the traffic around it."""

import numpy as np
import numpy.typing as npt
import pytest

from fl_client.inference.perceived import CameraView
from model_zoo.perception.tracker import overlaps
from simulation.footage import Clip, SiteFootage, WorldClip
from simulation.site_preparation import fit_scenes, watch
from simulation.world import (
    APPEARANCE_KINDS,
    AnomalyKind,
    EmulatedCamera,
    emulated_camera,
    plan_appearance_clips,
    plan_footage,
    render_clip,
)

_SIZE = slice(4, 6)  # height and width of MOTION_FEATURES
_TOUCHING = 0.1


@pytest.fixture(scope="module")
def aisle() -> EmulatedCamera:
    return emulated_camera(0, 0)


@pytest.fixture(scope="module")
def footage(aisle: EmulatedCamera) -> SiteFootage:
    clips: tuple[Clip, ...] = tuple(
        WorldClip(f"training {number}", aisle, plan) for number, plan in enumerate(plan_footage(aisle, 0).training)
    )
    return SiteFootage(aisle.site, training=clips, validation=(), testing=(), feedback=(), held_out=())


@pytest.fixture(scope="module")
def view(aisle: EmulatedCamera, footage: SiteFootage) -> CameraView:
    return CameraView(aisle.site, aisle.site.cameras[0], fit_scenes(footage))


@pytest.fixture(scope="module")
def normal_sizes(view: CameraView, footage: SiteFootage) -> npt.NDArray[np.float32]:
    """Height and width of every object of the training footage. ``(N, 2)``."""
    return np.concatenate([seen.motion[:, _SIZE] for clip in footage.training for seen in watch(view, clip)])


@pytest.mark.parametrize("kind", sorted(APPEARANCE_KINDS))
def test_tracked_objects_cover_it_and_are_of_everyday_size(
    aisle: EmulatedCamera, view: CameraView, normal_sizes: npt.NDArray[np.float32], kind: AnomalyKind
) -> None:
    plan = next(plan for plan in plan_appearance_clips(aisle, 0) if plan.anomalies == (kind,))
    seen = list(watch(view, WorldClip("wrong", aisle, plan)))
    (truth,) = render_clip(aisle, plan).truth
    sizes = []
    for frame, box in zip(range(truth.first_frame, truth.last_frame + 1), truth.boxes, strict=True):
        overlap = overlaps(seen[frame].boxes, box[None])[:, 0]
        if len(overlap) and overlap.max() > _TOUCHING:
            sizes.append(seen[frame].motion[overlap.argmax(), _SIZE])
    assert len(sizes) >= 0.8 * len(truth.boxes)
    low, high = np.quantile(normal_sizes, [0.005, 0.995], axis=0)
    middle = np.median(sizes, axis=0)
    assert (middle > low).all()
    assert (middle < high).all()
