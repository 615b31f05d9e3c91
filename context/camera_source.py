"""Where a camera's pictures come from."""

import urllib.parse
from typing import Self

import pydantic


class CameraSource(pydantic.BaseModel):
    """The streams of one camera; passwords stand in files of their own."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    address: str = pydantic.Field(
        min_length=1,
        max_length=4096,
        description="rtsp, rtsps, http or https URL, a USB camera such as /dev/video0, a video file or a folder of "
        "pictures (relative to this file). The camera's smaller stream, where it has two: this one is analysed.",
    )
    record_address: str | None = pydantic.Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="URL of the camera's larger stream: clips and recordings come from it; left out: from `address`.",
    )
    user: str | None = pydantic.Field(
        default=None, min_length=1, max_length=256, description="Name to log in to the camera with."
    )
    password_file: str | None = pydantic.Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="File whose first line is the password (relative to this file).",
    )

    @pydantic.model_validator(mode="after")
    def _check_secrets(self) -> Self:
        for name, address in (("address", self.address), ("record_address", self.record_address)):
            if address is None:
                continue
            if _parts(name, address).password is not None:
                raise ValueError(f"{name}: must not hold a password; put it into a file and name it in password_file")
            if self.user is not None and "://" not in address:
                raise ValueError(f"{name}: expected a URL, for user and password_file belong to one")
        if (self.user is None) is not (self.password_file is None):
            raise ValueError("expected user and password_file, or neither")
        return self


def _parts(name: str, address: str) -> urllib.parse.SplitResult:
    try:
        return urllib.parse.urlsplit(address)
    except ValueError as error:
        raise ValueError(f"{name}: not a URL ({error})") from error
