"""Writes the footage of one emulated camera as a dataset folder."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from simulation.world.camera import emulated_camera
from simulation.world.dataset import write_dataset
from simulation.world.errors import WorldError
from simulation.world.footage_plan import plan_appearance_clips
from simulation.world.more_days import plan_days


def main(  # noqa: PLR0913, PLR0917  one parameter for each option
    out: Annotated[Path, typer.Argument(help="New or empty folder to write into.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the world.")] = 0,
    camera: Annotated[int, typer.Option(min=0, help="Number of the camera; layouts take turns.")] = 0,
    appearance: Annotated[
        bool, typer.Option("--appearance", help="Add testing clips of what only looks wrong.")
    ] = False,
    frames: Annotated[int, typer.Option(min=1, max=100_000, help="Frames of each clip, ten a second.")] = 90,
    days: Annotated[int, typer.Option(min=1, max=100, help="Days of normal clips to learn from, seven each.")] = 1,
) -> None:
    """Writes the footage of one emulated camera: frames, labels.json and site.yaml."""
    try:
        watched = emulated_camera(seed, camera)
        plan = plan_days(watched, seed, days, frames)
        if appearance:
            odd = plan_appearance_clips(watched, seed, frames_per_clip=frames)
            plan = dataclasses.replace(plan, testing=(*plan.testing, *odd))
        write_dataset(out, watched, plan)
    except (WorldError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{out}: footage of {watched.site.cameras[0].name}")


if __name__ == "__main__":
    typer.run(main)
