"""Laws of counted frame scores."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from model_zoo.errors import NormalityError
from model_zoo.scoring.frame_score import MOST_SURPRISE
from model_zoo.scoring.score_counts import BIN_WIDTH, ScoreCounts

Scores = npt.NDArray[np.float64]
SCORES = hnp.arrays(np.float64, st.integers(1, 50), elements=st.floats(0, MOST_SURPRISE))


@given(first=SCORES, second=SCORES)
def test_counts_of_two_sites_are_the_counts_of_their_frames(first: Scores, second: Scores) -> None:
    added = ScoreCounts.of(first) + ScoreCounts.of(second)
    assert added.counts.tolist() == ScoreCounts.of(np.concatenate([first, second])).counts.tolist()


@given(scores=SCORES, share=st.floats(0, 1))
def test_quantile_read_off_counts_is_that_of_all_scores_within_one_bin(scores: Scores, share: float) -> None:
    assert abs(ScoreCounts.of(scores).quantile(share) - np.quantile(scores, share)) <= BIN_WIDTH


@given(scores=SCORES, count=st.integers(51, 100), share=st.floats(0, 0.4))
def test_share_of_frames_without_objects_has_exactly_zero_as_quantile(scores: Scores, count: int, share: float) -> None:
    assert ScoreCounts.of(np.concatenate([scores, np.zeros(count)])).quantile(share) == 0.0


@pytest.mark.parametrize("score", [-0.1, MOST_SURPRISE + 0.1, np.nan, np.inf])
def test_score_outside_its_range_is_refused(score: float) -> None:
    with pytest.raises(NormalityError, match=f"expected frame scores from 0 to {MOST_SURPRISE}"):
        ScoreCounts.of(np.array([1.0, score]))


def test_counts_of_nothing_have_no_quantile() -> None:
    with pytest.raises(NormalityError, match="expected at least one frame score"):
        ScoreCounts.of(np.zeros(0)).quantile(0.5)
