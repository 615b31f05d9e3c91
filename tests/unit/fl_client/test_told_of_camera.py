"""What a person is told of a camera that is tampered with."""

import pytest

from context.severity import Severity, severity_word
from fl_client.box import tampered
from fl_client.capture.tamper import Tamper


@pytest.mark.parametrize("tamper", Tamper)
def test_it_opens_an_event_of_high_severity_whatever_the_model_thinks(tamper: Tamper) -> None:
    seen = tampered(tamper, 5.0, "closed")
    assert (seen.is_told, seen.instant_s, seen.box, seen.zone) == (True, 5.0, (0.0, 0.0, 1.0, 1.0), "")
    assert severity_word(seen.severity) is Severity.HIGH
    assert (seen.why.startswith("Camera "), seen.operational_state) == (True, "closed")
