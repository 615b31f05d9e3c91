"""Model files that others publish, by name: where they are, and what they must be to the last bit."""

import dataclasses

_RELEASE = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/"


@dataclasses.dataclass(frozen=True)
class Download:
    """One published file.

    Attributes:
        url: Where its authors publish it.
        sha256: Its digest, in lower-case hexadecimal.
        num_bytes: Its size.
        licence: Under which its authors publish it, by SPDX name.
    """

    url: str
    sha256: str
    num_bytes: int
    licence: str


DOWNLOADS: dict[str, Download] = {
    "yolox_nano": Download(
        _RELEASE + "yolox_nano.onnx",
        "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",
        3_659_407,
        "Apache-2.0",
    ),
    "yolox_tiny": Download(
        _RELEASE + "yolox_tiny.onnx",
        "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7",
        20_219_662,
        "Apache-2.0",
    ),
}
"""Object detectors of YOLOX's release 0.1.1rc0; sizes and digests as several projects that pin these files record them.

What docs/detection.md reports was measured with another export of YOLOX-nano: 3 660 092 bytes, SHA-256
``695e750a5d5754bb5a8d5325643b59282191a7e7a564e435a415fd3c578eab14``.
"""
