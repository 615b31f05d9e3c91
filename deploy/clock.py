"""Whether this machine's clock is kept in time.

The SuperLink refuses a node whose clock is more than 5 s ahead or 305 s behind, alerts carry this clock's instants, and
tokens end by it. One of several services may keep a clock; the first that says anything is believed.
"""

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

MARKER = Path("/run/systemd/timesync/synchronized")
"""Made by systemd's own time service at its first synchronisation since boot."""
_TIMEOUT_S = 10.0
Ask = Callable[[Sequence[str]], str | None]
"""Runs a command and returns what it prints; None where there is no such command or it fails."""

_WHY = "the SuperLink refuses a clock more than 5 s ahead or 305 s behind"


def clock_problem(ask: Ask, *, has_marker: bool) -> str | None:
    """What is wrong with the clock, in one line; None when it is kept in time.

    Args:
        ask: How commands are asked.
        has_marker: Whether ``MARKER`` is there.
    """
    systemd = ask(["timedatectl", "show", "-p", "NTPSynchronized", "--value"])
    if systemd and systemd.strip() == "yes":
        return None
    chrony = ask(["chronyc", "-c", "tracking"])
    if chrony:
        is_kept = chrony.strip().split(",")[-1] == "Normal"
        return None if is_kept else f"clock: chrony is not synchronised; {_WHY}"
    if has_marker:
        return None
    if systemd and systemd.strip() == "no":
        return f"clock: not synchronised; switch NTP on (timedatectl set-ntp true): {_WHY}"
    return f"clock: neither systemd nor chrony says that it is synchronised: {_WHY}"


def ask_this_machine(command: Sequence[str]) -> str | None:
    """What a command of this machine prints; None where it is absent, fails or hangs."""
    try:
        ended = subprocess.run(  # noqa: S603 - our own fixed commands
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout if ended.returncode == 0 else None
