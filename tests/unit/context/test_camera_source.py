"""Where a camera's pictures come from: passwords never stand in the description."""

import pydantic
import pytest

from context.camera_source import CameraSource


@pytest.mark.parametrize(
    ("described", "words"),
    [
        ({"address": "rtsp://guard:secret@10.0.0.21/sub"}, "address: must not hold a password"),
        (
            {"address": "rtsp://10.0.0.21/sub", "record_address": "rtsp://guard:secret@10.0.0.21/main"},
            "record_address: must not hold a password",
        ),
        ({"address": "rtsp://10.0.0.21/sub", "user": "guard"}, "expected user and password_file, or neither"),
        ({"address": "rtsp://10.0.0.21/sub", "password_file": "p"}, "expected user and password_file, or neither"),
        ({"address": "/dev/video0", "user": "guard", "password_file": "p"}, "address: expected a URL"),
        ({"address": "rtsp://[::1/sub"}, "address: not a URL"),
        ({"address": ""}, "at least 1 character"),
    ],
)
def test_source_that_cannot_be_meant_is_refused(described: dict[str, str], words: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=words):
        CameraSource.model_validate(described)


def test_two_streams_share_a_login() -> None:
    described = {"address": "rtsp://c/sub", "record_address": "rtsp://c/main", "user": "guard", "password_file": "p"}
    assert CameraSource.model_validate(described).record_address == "rtsp://c/main"
