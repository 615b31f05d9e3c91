"""``python -m benchmarks.simulation_scale.engine JOB``: one run of one engine, measured from outside.

Each engine is imported where it runs: Ray's interpreter has nothing of ours but these files.
"""

import sys
from collections.abc import Callable

from benchmarks.simulation_scale.job import Engine, Job


def run_plain(job: Job) -> None:
    """Plain averaging on our grid."""
    from benchmarks.simulation_scale.plain_apps import server_app
    from simulation.local_grid import LocalGrid

    app = "benchmarks.simulation_scale.plain_apps:client_app"
    with LocalGrid(app, [{} for _ in range(job.num_clients)], job.num_workers) as grid:
        grid.run_server_app(server_app(job), {})


def run_ray(job: Job) -> None:
    """Plain averaging on Flower's simulation, in this process: the shortest way into it."""
    from flwr.simulation import run_simulation

    from benchmarks.simulation_scale.plain_apps import client_app, server_app

    run_simulation(
        server_app(job),
        client_app,
        job.num_clients,
        backend_config={"client_resources": {"num_cpus": 1}, "init_args": {"num_cpus": job.num_cpus}},
    )


def run_secure(job: Job) -> None:
    """Secure rounds on our grid."""
    from benchmarks.simulation_scale.secure_grid import run_secure_rounds

    run_secure_rounds(job)


_ENGINES: dict[Engine, Callable[[Job], None]] = {"secure": run_secure, "plain": run_plain, "ray": run_ray}


if __name__ == "__main__":
    asked = Job.decode(sys.argv[1])
    _ENGINES[asked.engine](asked)
