"""Which tests one worker runs one after the other, where several run at once (``make test``).

The tests of a file stay together, as what it prepares for them may be expensive. Some files stay together with others.
xdist's own ``xdist_group`` is not used: with pytest 9.2 it groups nothing and says nothing.
"""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "real time": (  # they measure time, or keep both cores busy: no two of them at once
        "test_client_capture.py",
        "test_client_rtsp.py",
        "test_client_run.py",
        "test_client_uplink.py",
        "test_crash_matrix.py",
        "test_deployment.py",
        "test_pipeline.py::test_frames_are_judged_at_many_times_the_rate_of_the_camera",
        "test_simulation_run.py",
    ),
    "exported networks": (  # each is exported once in a process, which takes ten seconds and more
        "test_export.py",
        "test_quantized_network.py",
        "test_tubelet_lengths.py",
    ),
}


def unit_of(test_id: str) -> str:
    """What a test stays together with: its group, else its file."""
    for name, beginnings in TOGETHER.items():
        if test_id.startswith(tuple(f"tests/integration/{beginning}" for beginning in beginnings)):
            return name
    return test_id.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "LoadScopeScheduling":
    """Gives a worker that has little left to do the next unit, in the order of the files."""
    from xdist.scheduler import LoadScopeScheduling

    class ByUnit(LoadScopeScheduling):  # type: ignore[misc]  # untyped
        def _split_scope(self, nodeid: str) -> str:
            return unit_of(nodeid)

    config.option.loadscopereorder = False
    return ByUnit(config, log)
