"""Secure rounds of a federation made on the spot, over our grid."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.simulation_scale.job import Job
from benchmarks.simulation_scale.secure_client import NUM_EVALUATION, direction, share_of
from fl_protocol.membership import MadeFederation, make_federation
from fl_protocol.round_vector import RoundSettingsMessage
from fl_server.rounds.round_state import Patience
from fl_server.secure_rounds import OpenedRound, SecureRounds, secure_run
from simulation.local_grid import LocalGrid

_LARGEST_ERROR = 0.1
"""Of a value of the mean, in standard deviations of an update's values; what rounding does is far below."""

_CLIENT_APP = "benchmarks.simulation_scale.secure_client:client_app"


def run_secure_rounds(job: Job) -> None:
    """Makes a federation, sets it up and runs its rounds; marks when the mean of each is known.

    Raises:
        ArithmeticError: An opened mean is not the sites' mean.
        RoundError: Too few sites took part.
    """
    made = make_federation("scale", [f"site-{number:04d}" for number in range(job.num_clients)])
    folders = _write_memberships(made, Path(job.folder))
    configs: list[dict[str, bool | float | int | str]] = [
        {"folder": str(folder), "number": number, "clients": job.num_clients, "moments": job.num_moments}
        for number, folder in enumerate(folders)
    ]
    model = {"model": np.zeros(job.num_parameters, dtype=np.float32)}
    with LocalGrid(_CLIENT_APP, configs, job.num_workers) as grid:
        run = secure_run(made.signed_roster, made.operator_key)
        everybody = Patience(straggler_floor_s=job.deadline_s)  # sites take turns: the last are no stragglers
        rounds = SecureRounds(grid, run, lambda newest: newest + 1, deadline_s=job.deadline_s, patience=everybody)
        for round_number in range(1, job.num_rounds + 1):
            settings = _settings(job, round_number, rounds.group.parameters.num_sites)
            opened = rounds.run_round(model, settings, (NUM_EVALUATION, job.num_moments))
            _check(opened, settings, model["model"], job)
            job.mark()


def _write_memberships(made: MadeFederation, root: Path) -> list[Path]:
    folders = []
    for site, files in sorted(made.files_by_site.items()):
        folder = root / site
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        folders.append(folder)
    return folders


def _settings(job: Job, round_number: int, num_sites: int) -> RoundSettingsMessage:
    return RoundSettingsMessage(
        round_number=round_number,
        seed=job.seed,
        num_steps=1,
        is_conditioned=True,
        tubelet_steps=12,
        num_sites=num_sites,
        max_norm=1.0,
        max_examples=1,
    )


def _check(opened: OpenedRound, settings: RoundSettingsMessage, model: npt.NDArray[np.float32], job: Job) -> None:
    if opened.summed.num_survivors != job.num_clients:
        raise ArithmeticError(f"expected {job.num_clients} survivors, got {opened.summed.num_survivors}")
    share = sum(share_of(number, job.num_clients) for number in range(job.num_clients)) / job.num_clients
    wrong = np.abs(opened.totals.mean_update - share * direction(model.size, settings))
    error = float(wrong.max()) * np.sqrt(model.size)
    if error > _LARGEST_ERROR:
        raise ArithmeticError(f"round {settings.round_number}: expected the sites' mean, got one {error:.3f} away")
