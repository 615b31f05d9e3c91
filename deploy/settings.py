"""What a federation is called, where it listens, and where its files will lie on the coordinator."""

import ipaddress
import json
from pathlib import Path
from typing import Annotated, Self

import pydantic

from deploy.errors import DeployError
from fl_protocol.messages import Name

PlainPath = Annotated[str, pydantic.Field(pattern=r"^/[A-Za-z0-9_./-]{1,500}$")]
"""An absolute path that scripts, units and the proxy can hold without quoting."""
HostName = Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")]
Port = Annotated[int, pydantic.Field(ge=1, le=65535)]
DatabaseAddress = Annotated[str, pydantic.Field(pattern=r"^postgresql\+psycopg://[A-Za-z0-9_.@/?=&%-]{1,500}$")]
"""SQLAlchemy's address of a PostgreSQL database, with nothing to quote."""


class FederationSettings(pydantic.BaseModel):
    """Everything ``python -m deploy init`` can be told."""

    model_config = pydantic.ConfigDict(strict=True, frozen=True, extra="forbid")

    federation: Name = pydantic.Field(default="edgeguard", description="Name of the federation.")
    hosts: tuple[HostName, ...] = pydantic.Field(
        strict=False, min_length=1, max_length=20, description="Names of the coordinator; sites use the first."
    )
    ips: tuple[str, ...] = pydantic.Field(
        default=(), strict=False, max_length=20, description="Addresses of the coordinator, for its certificate."
    )
    listen: str = pydantic.Field(default="0.0.0.0", description="Address the proxy listens on.")  # noqa: S104  its task
    fleet_port: Port = pydantic.Field(default=9443, description="Port of the proxy for training messages.")
    api_port: Port = pydantic.Field(default=8443, description="Port of the proxy for the coordinator's API.")
    superlink_port: Port = pydantic.Field(default=8000, description="Port of the SuperLink, on loopback.")
    coordinator_port: Port = pydantic.Field(default=8080, description="Port of the coordinator, on loopback.")
    installed_at: PlainPath = pydantic.Field(
        default="/opt/edgeguard/coordinator", description="Where the coordinator's folder will lie on its machine."
    )
    environment: PlainPath = pydantic.Field(
        default="/opt/edgeguard/venv", description="The Python environment on the coordinator's machine."
    )

    database: DatabaseAddress | None = pydantic.Field(
        default=None, description="PostgreSQL database on the coordinator's machine; left out: a SQLite file."
    )

    @pydantic.field_validator("ips", "listen")
    @classmethod
    def _check_addresses(cls, given: tuple[str, ...] | str) -> tuple[str, ...] | str:
        for address in [given] if isinstance(given, str) else given:
            try:
                ipaddress.ip_address(address)
            except ValueError as error:
                raise ValueError(f"expected an IP address, got {address!r}") from error
        return given

    @pydantic.field_validator("database")
    @classmethod
    def _check_database(cls, database: str | None) -> str | None:
        """The address goes to every box with a run's options; a password before the ``@`` would need a colon."""
        if database is not None and "password" in database:
            raise ValueError("expected no password in the address: name a file with ?passfile=FILE instead")
        return database

    @pydantic.model_validator(mode="after")
    def _check_ports(self) -> Self:
        ports = (self.fleet_port, self.api_port, self.superlink_port, self.coordinator_port)
        if len(set(ports)) < len(ports):
            raise ValueError(f"ports: expected four different ones, got {', '.join(map(str, ports))}")
        return self

    @property
    def superlink_address(self) -> str:
        """``HOST:PORT`` that SuperNodes connect to."""
        return f"{self.hosts[0]}:{self.fleet_port}"

    @property
    def coordinator_address(self) -> str:
        """URL of the coordinator's API for sites."""
        return f"https://{self.hosts[0]}:{self.api_port}"

    @property
    def file_content(self) -> bytes:
        """What ``parse_settings`` reads."""
        return json.dumps(self.model_dump(), indent=1).encode() + b"\n"


def checked_settings(**options: object) -> FederationSettings:
    """The settings of these options; those that are None are left out.

    Raises:
        DeployError: An option is out of its bounds or contradicts another; the first problem.
    """
    try:
        return FederationSettings.model_validate({name: x for name, x in options.items() if x is not None})
    except pydantic.ValidationError as error:
        raise DeployError(_first_problem(error)) from error


def parse_settings(content: bytes, path: Path) -> FederationSettings:
    """Reads settings back.

    Raises:
        DeployError: They are not as ``init`` wrote them.
    """
    try:
        return FederationSettings.model_validate_json(content)
    except pydantic.ValidationError as error:
        raise DeployError(f"{path}: {_first_problem(error)}") from error


def _first_problem(error: pydantic.ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False)[0]
    place = "".join(f"{step}: " for step in problem["loc"])
    return place + problem["msg"].removeprefix("Value error, ")
