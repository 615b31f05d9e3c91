"""Writes the footage of one emulated camera as a dataset folder."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from simulation.world.camera import emulated_camera
from simulation.world.dataset import write_dataset
from simulation.world.errors import WorldError
from simulation.world.footage_plan import plan_appearance_clips, plan_footage


def main(
    out: Annotated[Path, typer.Argument(help="New or empty folder to write into.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the world.")] = 0,
    camera: Annotated[int, typer.Option(min=0, help="Number of the camera; layouts take turns.")] = 0,
    appearance: Annotated[
        bool, typer.Option("--appearance", help="Add testing clips of what only looks wrong.")
    ] = False,
) -> None:
    """Writes the footage of one emulated camera: frames, labels.json and site.yaml."""
    try:
        watched = emulated_camera(seed, camera)
        plan = plan_footage(watched, seed)
        if appearance:
            plan = dataclasses.replace(plan, testing=(*plan.testing, *plan_appearance_clips(watched, seed)))
        write_dataset(out, watched, plan)
    except (WorldError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{out}: footage of {watched.site.cameras[0].name}")


if __name__ == "__main__":
    typer.run(main)
