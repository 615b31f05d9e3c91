"""A deterministic procedural store world, rendered to frames with exact ground truth."""

from simulation.world.camera import EmulatedCamera, emulated_camera
from simulation.world.clip import ActorTrack, AnomalyTruth, ClipPlan, RenderedClip
from simulation.world.dataset import write_dataset
from simulation.world.errors import OutputFolderError, WorldError
from simulation.world.footage_plan import FootagePlan, plan_appearance_clips, plan_footage
from simulation.world.kinds import APPEARANCE_KINDS, CONTEXT_DEPENDENT_KINDS, NOVELTY_KINDS, ActorKind, AnomalyKind
from simulation.world.render import render_clip

__all__ = [
    "APPEARANCE_KINDS",
    "CONTEXT_DEPENDENT_KINDS",
    "NOVELTY_KINDS",
    "ActorKind",
    "ActorTrack",
    "AnomalyKind",
    "AnomalyTruth",
    "ClipPlan",
    "EmulatedCamera",
    "FootagePlan",
    "OutputFolderError",
    "RenderedClip",
    "WorldError",
    "emulated_camera",
    "plan_appearance_clips",
    "plan_footage",
    "render_clip",
    "write_dataset",
]
