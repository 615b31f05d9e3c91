"""For how long recordings are kept."""

import pydantic
import pytest

from context.recording import RecordingSettings


def test_more_interest_is_kept_for_no_less_time() -> None:
    with pytest.raises(pydantic.ValidationError, match="expected continuous_days <= motion_days"):
        RecordingSettings(budget_gb=1.0, continuous_days=8.0)


@pytest.mark.parametrize("budget_gb", [0.0, -1.0, float("nan"), float("inf")])
def test_budget_is_a_positive_number(budget_gb: float) -> None:
    with pytest.raises(pydantic.ValidationError, match="budget_gb"):
        RecordingSettings(budget_gb=budget_gb)
