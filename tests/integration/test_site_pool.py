"""Workers that watch footage."""

import subprocess
import sys
import time
from pathlib import Path

import psutil

PROGRAM = """
import os
from simulation.site_pool import site_pool
if __name__ == "__main__":
    with site_pool(1) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        input()
"""


def test_worker_of_a_killed_run_ends() -> None:
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as run:
        assert run.stdout is not None
        worker = psutil.Process(int(run.stdout.readline()))
        run.kill()
    give_up = time.monotonic() + 10
    while worker.is_running() and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not worker.is_running()
