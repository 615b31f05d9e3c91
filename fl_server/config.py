"""Configuration of the coordinator."""

import ipaddress
import zoneinfo
from pathlib import Path
from typing import Annotated, Self

import pydantic
import sqlalchemy as sa

from fl_protocol.messages import MAX_CLIP_BYTES

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "::1")
HostName = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9_.:-]{1,253}$")]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on ``host``, an address or a name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class TrainingSupervision(pydantic.BaseModel):
    """How the coordinator starts runs of wanted trainings, and how patiently."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    app: Path = pydantic.Field(strict=False, description="Folder of the Flower app that a run sends to the SuperLink.")
    connection: str = pydantic.Field(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$", description="Name of the SuperLink in Flower's configuration."
    )
    home: Path = pydantic.Field(strict=False, description="Folder with Flower's config.toml (FLWR_HOME).")
    poll_s: float = pydantic.Field(
        default=15.0,
        ge=0.05,
        le=3600,
        description="Pause between two looks; only while a training is wanted is Flower asked.",
    )
    command_timeout_s: float = pydantic.Field(
        default=60.0, gt=0, le=3600, description="Longest time one command of Flower may take."
    )
    first_pause_s: float = pydantic.Field(
        default=10.0,
        gt=0,
        le=86_400,
        description="Pause between the first start of a run and the next; it doubles until a round is committed.",
    )
    longest_pause_s: float = pydantic.Field(
        default=900.0, gt=0, le=86_400, description="Longest pause between two starts."
    )
    give_up_starts: int = pydantic.Field(
        default=10, ge=1, le=10_000, description="Starts in a row without a round before a training is given up, and"
    )
    give_up_after_s: float = pydantic.Field(
        default=259_200.0, ge=0, le=31_536_000, description="the time they have to span: a long weekend."
    )


class ServerConfig(pydantic.BaseModel):
    """Everything ``python -m fl_server`` can be told."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    host: HostName = pydantic.Field(default="127.0.0.1", description="Address to listen on.")
    port: int = pydantic.Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    database: str | None = pydantic.Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="SQLAlchemy address such as sqlite:///edgeguard.db or postgresql+psycopg://host/edgeguard; "
        "left out: a SQLite file in the state folder.",
    )
    state_folder: Path = pydantic.Field(
        default=Path("state"), strict=False, description="Folder for clips, models and the default database."
    )
    allow_remote_operators: bool = pydantic.Field(
        default=False, description="Listen beyond this machine although the operator's page has no login yet."
    )
    allowed_hosts: tuple[HostName, ...] = pydantic.Field(
        default=(), strict=False, max_length=100, description="Names this coordinator is called by, without port."
    )
    max_clip_bytes: int = pydantic.Field(
        default=MAX_CLIP_BYTES, ge=1024, le=2**31, description="Largest clip a site may send."
    )
    time_zone: str | None = pydantic.Field(
        default=None, max_length=64, description="IANA time zone of the operator's page; left out: this machine's."
    )
    roster: Path | None = pydantic.Field(
        default=None,
        strict=False,
        description="The signed roster: its sites alone may register, each with a proof by its identity key; left out: "
        "the first to register under a name has it.",
    )
    operator_key: Path | None = pydantic.Field(
        default=None, strict=False, description="Public key that the roster is signed with, raw hexadecimal."
    )
    training: TrainingSupervision | None = pydantic.Field(
        default=None, description="How runs of wanted trainings are started; left out: this coordinator starts none."
    )

    @pydantic.model_validator(mode="after")
    def _check_exposure(self) -> Self:
        if is_loopback(self.host):
            return self
        if not self.allow_remote_operators:
            raise ValueError(
                f"host {self.host} can be reached from other machines and the operator's page has no login yet: "
                "use 127.0.0.1, or --allow-remote-operators on a network you trust"
            )
        if self.host in ("0.0.0.0", "::") and not self.allowed_hosts:  # noqa: S104  this is the check against it
            raise ValueError(f"host {self.host} needs allowed_hosts: the names sites and operators call it by")
        return self

    @pydantic.model_validator(mode="after")
    def _check_roster(self) -> Self:
        if (self.roster is None) != (self.operator_key is None):
            raise ValueError("roster and operator_key: expected both or neither")
        return self

    @pydantic.field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, time_zone: str | None) -> str | None:
        if time_zone is not None:
            try:
                zoneinfo.ZoneInfo(time_zone)
            except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
                raise ValueError(f"expected an IANA time zone such as Europe/Berlin, got {time_zone!r}") from error
        return time_zone

    @pydantic.field_validator("database")
    @classmethod
    def _check_database(cls, database: str | None) -> str | None:
        """Addresses end up in process lists and logs, so a password may not be in one."""
        if database is not None:
            try:
                address = sa.make_url(database)
            except sa.exc.ArgumentError as error:
                raise ValueError("expected a database address such as sqlite:///edgeguard.db") from error
            if address.password is not None or "password" in address.query:
                raise ValueError("expected no password in the address: name a file with ?passfile=FILE instead")
        return database

    @property
    def host_names(self) -> frozenset[str]:
        """The names a request may call this coordinator by, in lower case."""
        return frozenset(name.lower() for name in (*LOOPBACK_NAMES, self.host, *self.allowed_hosts))
