"""Configuration of one client: what its command line says, checked as a whole before anything starts."""

import datetime as dt
import urllib.parse
from pathlib import Path
from typing import Annotated, Self

import pydantic

from context.event import EventRules
from context.site import Camera, Site
from fl_client.errors import SettingsError
from fl_client.supervisor import is_loopback
from fl_protocol.membership import IDENTITY_FILE
from fl_runtime.config_file import load_config

DEFAULT_CAMERA = "camera-1"
DEFAULT_LEARN_FOR_S = 60.0

Name = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class ClientConfig(pydantic.BaseModel):
    """Everything ``python -m fl_client`` can be told."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    site: Name = pydantic.Field(description="Name of the site, the same as at the coordinator.")
    source: str | None = pydantic.Field(
        default=None,
        min_length=1,
        max_length=4096,
        description="Video file, folder of pictures, USB camera, or rtsp, rtsps, http or https URL; left out: the "
        "sources of the site description.",
    )
    state_dir: Path = pydantic.Field(description="Folder for alerts, clips and what the site learned.")
    site_file: Path | None = pydantic.Field(default=None, description="Site description, YAML; left out: one camera.")
    camera: Name | None = pydantic.Field(
        default=None, description="Camera of the site description; left out: all, or with a source its only one."
    )
    is_fast: bool = pydantic.Field(default=False, description="Watch a file as fast as possible, dropping nothing.")
    start: pydantic.AwareDatetime | None = pydantic.Field(
        default=None, description="Instant of a file's first frame; left out: now."
    )
    learn_for_s: float = pydantic.Field(
        default=DEFAULT_LEARN_FOR_S,
        ge=0.0,
        le=90 * 86400.0,
        description="Seconds of video in which a new camera learns what is normal, before any learned alert.",
    )
    detector: Path | None = pydantic.Field(
        default=None, description="Object detector, ONNX; left out: objects come from the foreground alone."
    )
    detector_width_px: int = pydantic.Field(
        default=416, ge=128, le=1920, description="Width in pixels that pictures are scaled to for the detector."
    )
    detect_every: int = pydantic.Field(
        default=3, ge=1, le=100, description="Frames from detection to detection; flow carries the boxes in between."
    )
    pose: Path | None = pydantic.Field(
        default=None, description="Pose model, ONNX; left out: who stands and who lies is told from boxes alone."
    )
    coordinator: str | None = pydantic.Field(
        default=None, max_length=1024, description="URL of the coordinator; https, or http on this machine."
    )
    superlink: str | None = pydantic.Field(
        default=None, pattern=r"^\S+:[0-9]{1,5}$", description="HOST:PORT of the Flower SuperLink."
    )
    root_certificates: Path | None = pydantic.Field(
        default=None, description="PEM file of the authority that vouches for coordinator and SuperLink."
    )
    supernode_key: Path | None = pydantic.Field(
        default=None, description="Private key the SuperNode proves itself with; left out: the SuperLink asks for none."
    )
    membership: Path | None = pydantic.Field(
        default=None,
        description="Folder with this site's identity key and the signed roster; with it updates are masked.",
    )
    alert_threshold: float = pydantic.Field(
        default=0.5,
        ge=0.5,  # what the pipeline learns as normal is below: feedback on such an alert would find nothing kept
        le=1.0,
        description="Severity at which an event opens: 0.5 is one normal object in a thousand.",
    )

    @pydantic.model_validator(mode="after")
    def _check_contradictions(self) -> Self:
        if self.root_certificates and not self.root_certificates.is_file():
            raise ValueError(f"root_certificates: {self.root_certificates} is not a file")
        if self.supernode_key and not self.supernode_key.is_file():
            raise ValueError(f"supernode_key: {self.supernode_key} is not a file")
        if self.membership and not (self.superlink and (self.membership / IDENTITY_FILE).is_file()):
            raise ValueError(f"membership: expected {IDENTITY_FILE} in it, and a superlink to take part through")
        if self.camera and not self.site_file:
            raise ValueError("camera: needs a site description that names it")
        if not (self.source or self.site_file):
            raise ValueError("source: expected a source, or a site description with those of its cameras")
        _check_coordinator(self.coordinator)
        if self.superlink and not self.root_certificates and not is_loopback(self.superlink.rpartition(":")[0]):
            raise ValueError("superlink: root_certificates are needed to reach a SuperLink on another machine")
        if self.superlink and '"' in str(self.state_dir.resolve()):
            raise ValueError("state_dir: must not hold a quotation mark when a SuperLink is given")
        return self

    @property
    def event_rules(self) -> EventRules:
        """When an event opens and ends: released a tenth of severity below where it opens."""
        return EventRules(self.alert_threshold, self.alert_threshold - 0.1)

    def start_s(self, now: dt.datetime) -> float:
        """Instant of a file's first frame, seconds since 1970 UTC."""
        return (self.start or now).timestamp()


def _check_coordinator(address: str | None) -> None:
    if address is None:
        return
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("coordinator: expected a URL such as https://coordinator.example:8443")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("coordinator: expected neither user, password, query nor fragment in the URL")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("coordinator: https is needed to reach another machine: the site's token must not be read")


def checked_config(**options: object) -> ClientConfig:
    """Builds the configuration from options; those that are None are left out.

    Raises:
        SettingsError: An option is out of its bounds, or contradicts another; the first problem, in one line.
    """
    try:
        return ClientConfig.model_validate({name: value for name, value in options.items() if value is not None})
    except pydantic.ValidationError as error:
        problem = error.errors(include_url=False, include_context=False)[0]
        place = "".join(f"{part}: " for part in problem["loc"])
        raise SettingsError(place + problem["msg"].removeprefix("Value error, ")) from error


def described_site(config: ClientConfig) -> Site:
    """The site description.

    Raises:
        ConfigError: It cannot be used.
        SettingsError: It is of another site.
    """
    if config.site_file is None:
        return Site(name=config.site, cameras=(Camera(name=DEFAULT_CAMERA),))
    site = load_config(config.site_file, Site)
    if site.name != config.site:
        raise SettingsError(f"{config.site_file}: describes the site {site.name}, expected {config.site}")
    return site


def watched_cameras(config: ClientConfig, site: Site) -> list[Camera]:
    """The cameras that are to be watched.

    Raises:
        SettingsError: A source is given and it is not clear for which, or a camera has none.
    """
    chosen = [camera for camera in site.cameras if config.camera in {None, camera.name}]
    if not chosen or (config.source and len(chosen) != 1):
        names = ", ".join(camera.name for camera in site.cameras)
        raise SettingsError(f"camera: expected one of {names}, got {config.camera or 'none'}")
    for camera in chosen if config.is_fast and config.source is None else []:
        if camera.source and camera.source.record_address:
            words = "has a record_address, and two streams cannot be watched at full speed"
            raise SettingsError(f"is_fast: camera {camera.name} {words}")
    without = [camera.name for camera in chosen if camera.source is None]
    if config.source is None and without:
        raise SettingsError(f"{config.site_file}: camera {without[0]}: expected a source, got none")
    return chosen
