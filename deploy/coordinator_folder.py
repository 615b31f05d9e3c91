"""What lies in the coordinator's folder: start scripts, units, proxy, configuration.

* Everything but the proxy listens on loopback, and its units let nothing else in or out.
* Paths hold no character that needs quoting; ``FederationSettings`` sees to that.
"""

from pathlib import Path

from deploy.folder import PRIVATE, PROGRAM, PlannedFile
from deploy.settings import FederationSettings
from deploy.templates import filled

AUTHORITY, SERVER_CERTIFICATE, SERVER_KEY = "ca.pem", "server.pem", "server.key"
SUPEREXEC_SECRET, OPERATOR_KEY, ROSTER = "superexec.secret", "operator.pub", "roster.json"
NODE_KEYS = "nodes"
CONNECTION = "fleet"
"""Name of the SuperLink in Flower's own configuration."""
FLOWER_HOME = "state/flower"

_ONLY_LOOPBACK = (
    "# Not even a wrong address in its configuration opens it to others.\nIPAddressDeny=any\nIPAddressAllow=localhost\n"
)
_LOW_PORTS = "CAP_NET_BIND_SERVICE"
_AFTER_BY_PART = {"superlink": "", "superexec": "superlink", "coordinator": "", "proxy": ""}
_APP = Path(__file__).parent / "flower-app" / "pyproject.toml"


def coordinator_files(settings: FederationSettings) -> dict[str, PlannedFile]:
    """All files of the coordinator's folder that hold no key."""
    values: dict[str, object] = {
        "FOLDER": settings.installed_at,
        "ENVIRONMENT": settings.environment,
        "LISTEN": f"[{settings.listen}]" if ":" in settings.listen else settings.listen,
        "FLEET_PORT": settings.fleet_port,
        "API_PORT": settings.api_port,
        "SUPERLINK_PORT": settings.superlink_port,
        "COORDINATOR_PORT": settings.coordinator_port,
        "ALLOWED_HOSTS": ", ".join(f'"{name}"' for name in (*settings.hosts, *settings.ips)),
        "DATABASE": f'"{settings.database}"' if settings.database else "null",
    }
    plan = {
        "proxy.conf": PlannedFile(filled("proxy.conf", values)),
        "coordinator.yaml": PlannedFile(filled("coordinator.yaml", values)),
        f"{FLOWER_HOME}/config.toml": PlannedFile(filled("flower.toml", values), PRIVATE),
        "flower-app/pyproject.toml": PlannedFile(_flower_app(settings)),
        "bin/environment": PlannedFile(filled("environment.sh", values)),
    }
    for script in (*_AFTER_BY_PART, "train", "apply"):
        plan[f"bin/{script}"] = PlannedFile(filled(f"{script}.sh", values), PROGRAM)
    for part in _AFTER_BY_PART:
        plan[f"systemd/{unit_name(part)}"] = PlannedFile(_unit(part, values))
    return plan


def unit_name(part: str) -> str:
    """File name of a part's systemd unit."""
    return f"edgeguard-{part}.service"


def _unit(part: str, values: dict[str, object]) -> bytes:
    earlier = _AFTER_BY_PART[part]
    own = {
        "PART": part,
        "AFTER": f" {unit_name(earlier)}" if earlier else "",
        "CAPABILITIES": _LOW_PORTS if part == "proxy" else "",
        "REACH": "" if part == "proxy" else _ONLY_LOOPBACK,
    }
    return filled("coordinator.service", values | own)


def _flower_app(settings: FederationSettings) -> bytes:
    """The bundle that ``flwr run`` sends: where this coordinator keeps what, and the roster of secure rounds."""
    text, folder = _APP.read_text(encoding="utf-8"), settings.installed_at
    options = {"state": f"{folder}/state/coordinator", "roster": f"{folder}/{ROSTER}"}
    options |= {"operator-key": f"{folder}/{OPERATOR_KEY}", "database": settings.database or ""}
    for line in text.splitlines():
        name = line.partition(" = ")[0]
        if name in options:
            text = text.replace(line, f'{name} = "{options[name]}"')
    return text.encode()
