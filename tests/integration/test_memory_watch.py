"""The memory watch sees a process and what it starts, and outlives it."""

import subprocess
import sys
import time

import psutil
import pytest

from simulation.memory_watch import MemoryWatch, process_tree, proportional_bytes

_HOLD_MB = 60
_PARENT_OF_A_LARGE_ONE = f"""
import subprocess, sys
child = "held = b'x' * {_HOLD_MB * 10**6}; print('held', flush=True); input()"
subprocess.run([sys.executable, "-c", child])
"""


@pytest.mark.parametrize("shares", [False, True])
def test_memory_of_a_child_of_another_process_is_seen_and_its_end_survived(*, shares: bool) -> None:
    command = [sys.executable, "-c", _PARENT_OF_A_LARGE_ONE]
    with psutil.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as root:
        watch = MemoryWatch(root, proportional_bytes) if shares else MemoryWatch(root)
        assert root.stdout.readline() == "held\n"
        with watch:
            give_up_s = time.monotonic() + 20
            while watch.peak_mb == 0 and time.monotonic() < give_up_s:
                time.sleep(0.01)
            root.communicate("\n", timeout=20)
            assert process_tree(root) == []
            time.sleep(0.6)  # one more look, at nothing
    assert _HOLD_MB < watch.peak_mb < _HOLD_MB + 100
