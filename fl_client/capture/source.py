"""What can be watched: a video file, a folder of pictures, a USB camera, or a live address."""

import dataclasses
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from fl_client.errors import SourceError

USB_CAMERAS = "/dev/video"
LIVE_SCHEMES = ("rtsp", "rtsps", "http", "https")
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff")


@dataclasses.dataclass(frozen=True)
class Source:
    """One source and how it is to be watched.

    Attributes:
        address: Path of a file, folder or USB camera, or a URL of one of ``LIVE_SCHEMES``; may hold a password.
        frames_per_s: Most pictures a second of source time handed over; every source frame is decoded all the same.
        start_s: Instant of a file's or folder's first frame, seconds since 1970 UTC; live sources go by the clock.
        is_fast: Hand over as fast as possible, instead of at the pace of the source. Has no effect on live sources.
    """

    address: str
    frames_per_s: float
    start_s: float = 0.0
    is_fast: bool = False

    @property
    def is_live(self) -> bool:
        """Whether the source goes on without us, so that a failure means to try again."""
        return self.is_usb or urllib.parse.urlsplit(self.address).scheme.lower() in LIVE_SCHEMES

    @property
    def is_usb(self) -> bool:
        """Whether it is a camera of this machine."""
        return self.address.startswith(USB_CAMERAS)

    @property
    def is_lossless(self) -> bool:
        """Whether every frame is analysed, however long it takes."""
        return self.is_fast and not self.is_live

    @property
    def shown_name(self) -> str:
        """What messages call the source: addresses of cameras often hold a password, so only scheme and host."""
        if not self.is_live or self.is_usb:
            return self.address
        parts = urllib.parse.urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def with_password(address: str, user: str, password_file: Path) -> str:
    """An address with its secrets, as a decoder wants it.

    Raises:
        SourceError: The password file cannot be read, or holds none.
    """
    try:
        password = password_file.read_text(encoding="utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{password_file}: cannot be read as a password file ({error})") from error
    if not password:
        raise SourceError(f"{password_file}: expected a password in the first line, got none")
    parts = urllib.parse.urlsplit(address)
    secrets = f"{urllib.parse.quote(user, safe='')}:{urllib.parse.quote(password, safe='')}"
    return parts._replace(netloc=f"{secrets}@{parts.netloc.rpartition('@')[2]}").geturl()


def check_path(source: Source) -> None:
    """Checks what needs no decoder, so that a mistyped path is answered at once.

    Raises:
        SourceError: The path is missing, neither file nor folder, empty, or a folder without pictures.
    """
    path = Path(source.address)
    if source.is_live:
        return
    if "://" in source.address:
        raise SourceError(f"{source.shown_name.partition('://')[0]}: expected a path or a URL of {LIVE_SCHEMES}")
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder")
    if path.is_dir():
        if next(iter(_unsorted_pictures(path)), None) is None:
            raise SourceError(f"{path}: no pictures in this folder (expected {', '.join(PICTURE_SUFFIXES)})")
    elif not path.is_file():
        raise SourceError(f"{path}: expected a video file or a folder of pictures")
    elif path.stat().st_size == 0:
        raise SourceError(f"{path}: the file is empty")


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder in order of name; those of its subfolders where it holds none itself."""
    own = sorted(path for path in folder.iterdir() if _is_picture(path))
    return own or sorted(_unsorted_pictures(folder))


def _unsorted_pictures(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if _is_picture(path))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".") and path.is_file()
