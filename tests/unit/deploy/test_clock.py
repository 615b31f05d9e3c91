"""What the services of a machine say of its clock, and what is made of it."""

from collections.abc import Sequence

import pytest

from deploy.clock import clock_problem

_TRACKING = "A29FC87B,192.0.2.123,3,1772445600.1,0.00001,0.00002,0.0001,1.2,0.0,0.03,0.02,0.001,64.3,"


@pytest.mark.parametrize(
    ("systemd", "chrony", "has_marker", "problem"),
    [
        ("yes\n", None, False, None),
        ("no\n", _TRACKING + "Normal\n", False, None),
        ("no\n", _TRACKING + "Not synchronised\n", True, "clock: chrony is not synchronised"),
        (None, None, True, None),
        ("no\n", None, True, None),
        ("no\n", None, False, "clock: not synchronised; switch NTP on (timedatectl set-ntp true)"),
        (None, None, False, "clock: neither systemd nor chrony says that it is synchronised"),
        ("", "", False, "clock: neither systemd nor chrony says that it is synchronised"),
    ],
)
def test_the_first_service_that_says_anything_is_believed(
    systemd: str | None, chrony: str | None, has_marker: bool, problem: str | None
) -> None:
    said = {"timedatectl": systemd, "chronyc": chrony}

    def ask(command: Sequence[str]) -> str | None:
        return said[command[0]]

    found = clock_problem(ask, has_marker=has_marker)
    assert (found is None) == (problem is None)
    if found and problem:
        assert found.startswith(problem)
        assert found.endswith("the SuperLink refuses a clock more than 5 s ahead or 305 s behind")
