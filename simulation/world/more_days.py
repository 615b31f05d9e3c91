"""More normal clips to learn from than one day has: what is usual at each hour, again and again."""

import dataclasses

from simulation.world.camera import EmulatedCamera
from simulation.world.footage_plan import FootagePlan, plan_footage

_SEEDS_APART = 1 << 32


def plan_days(camera: EmulatedCamera, seed: int, days: int, frames_per_clip: int) -> FootagePlan:
    """The plan of ``plan_footage`` with the normal clips of further days; one day is that plan itself.

    Args:
        camera: The camera.
        seed: As of ``plan_footage``.
        days: At least 1.
        frames_per_clip: Length of each clip.
    """
    first, *others = (plan_footage(camera, seed + day * _SEEDS_APART, frames_per_clip) for day in range(days))
    return dataclasses.replace(
        first,
        training=sum((other.training for other in others), first.training),
        validation=sum((other.validation for other in others), first.validation),
    )
