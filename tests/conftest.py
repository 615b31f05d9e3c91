"""Which tests one worker runs one after the other, where several run at once (``make test``).

A file of ``integration`` stays together, as what it prepares for its tests is expensive. Files that say so with
``pytest.mark.xdist_group`` stay together with others:

``real_time``: measures time, or keeps both cores busy with processes of its own. No two of these run at once.
``exported_networks``: share the networks exported in ``tests.fakes.networks``.
"""

from pathlib import Path

import pytest

INTEGRATION = Path(__file__).parent / "integration"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups by file what has no group of its own."""
    for item in items:
        if item.path.parent == INTEGRATION and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
