"""What a person is told of a camera that is tampered with."""

import pytest

from context.severity import Severity, severity_word
from fl_client.capture.tamper import Change, Tamper
from fl_client.recording.scored import observation_of
from fl_client.watch import told_of
from tests.fakes.brightness_pipeline import BrightFrame


@pytest.mark.parametrize("tamper", Tamper)
def test_beginning_is_told_as_high_and_the_end_is_not(tamper: Tamper) -> None:
    (told,) = told_of([Change(tamper, is_wrong=True)])
    assert told.why.startswith("Camera ")
    assert severity_word(told.severity) is Severity.HIGH
    assert told_of([Change(tamper, is_wrong=False)]) == ()


def test_it_opens_an_event_whatever_the_model_thinks() -> None:
    frame = BrightFrame(5.0, (), 0.0, 0.0, "closed", is_learning=True)
    seen = observation_of(frame, told_of([Change(Tamper.COVERED, is_wrong=True)]))
    assert (seen.is_told, seen.box, seen.zone) == (True, (0.0, 0.0, 1.0, 1.0), "")
    assert seen.why == "Camera covered or out of focus: the detail it usually shows is gone."
