"""The real thing as an operator sets it up: TLS, node keys, process isolation, and a proxy in front.

SuperLink, SuperExec, coordinator and nginx run from the start scripts of ``python -m deploy init``; three SuperNodes
with keys made by ``join`` connect through the proxy alone.
"""

import os
import shutil
import signal
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from fl_client.supervisor import SuperNodeSupervisor
from tests.integration.secure_federation import ROOT, SecureFederation, wait_for

SITES = ["store42", "store43", "store44"]
RECOVERY_S = 200.0
"""Flower keeps the place of a killed node for a minute, and the supervisor's pauses double."""
_NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_BODY = {"Content-Type": "application/x-protobuf"}
_NOT_PUBLISHED = ("/v1/control/list-nodes", "/v1/control/start-run", "/v1/runtime/acquire-task", "/health", "/")
_DISGUISED = (
    "POST /v1/fleet/../control/list-nodes",
    "POST /v1/fleet/%2e%2e/control/list-nodes",
    "POST /v1/fleet/..%2fcontrol/list-nodes",
    "POST /v1/control/../fleet/pull-messages",
    "POST //v1/control/list-nodes",
    "POST /v1/fleet//pull-messages",
    "POST /v1/fleet/pull-messages?/v1/control/list-nodes",
    "POST https://localhost/v1/control/list-nodes",
    "GET /v1/fleet/pull-messages",
)
_REFUSED_API = (
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/v1/alerts"),
    ("GET", "/v1/alerts/"),
    ("GET", "/v1/rounds"),
    ("GET", "/v1/alerts/3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
    ("GET", "/v1/alerts/3f2504e0-4f89-41d3-9a0c-0305e82c3301/clip"),
    ("POST", "/v1/alerts/3f2504e0-4f89-41d3-9a0c-0305e82c3301/feedback"),
    ("POST", "/alerts/3f2504e0-4f89-41d3-9a0c-0305e82c3301/feedback"),
    ("POST", "/v1/models/latest"),
)


@pytest.mark.skipif(_NGINX is None, reason="nginx is not installed: THE PROXY IS NOT TESTED (apt install nginx-light)")
def test_three_sites_with_tls_and_node_keys_behind_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLWR_SUPEREXEC_TASK_POLL_INTERVAL", "0.05")
    monkeypatch.setenv("FLWR_HOME", str(tmp_path / "node-home"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with SecureFederation(tmp_path) as federation:
        for site in SITES:
            federation.enrol(site)
        federation.apply()
        supernodes = {site: federation.start_supernode(site) for site in SITES}
        _check_that_only_the_fleet_is_published(federation)
        _check_what_is_published_of_the_coordinator(federation)
        assert federation.roll_call(num_sites=3) == SITES

        first = _kill(supernodes["store42"])
        _check_that_a_key_nobody_enrolled_is_refused(federation)
        federation.revoke("store44")
        federation.apply()
        wait_for(lambda: _refusals(federation, "store44"), "refusal of the revoked SuperNode")
        assert federation.roll_call(num_sites=2, patience_s=RECOVERY_S) == ["store42", "store43"]
        assert _refusals(federation, "store42") > 0  # Flower's status 305: it was not taken back at once
        assert supernodes["store42"].pid not in {None, first}
        assert _refusals(federation, "store43") == supernodes["store43"].num_restarts == 0


def _check_that_only_the_fleet_is_published(federation: SecureFederation) -> None:
    with federation.through_proxy() as outside, federation.behind_proxy() as inside:
        for path in _NOT_PUBLISHED:
            assert outside.post(path, headers=_BODY).status_code == 403, path
        # The same request is answered on the machine itself, so it is the proxy that refuses it.
        assert inside.post("/v1/control/list-nodes", headers=_BODY).status_code not in {401, 403, 404}
        # A caller without a node key gets as far as the SuperLink, and no further.
        assert outside.post("/v1/fleet/pull-messages", headers=_BODY).status_code == 415
        too_large = bytes(17 * 1024 * 1024)
        assert outside.post("/v1/fleet/push-object", content=too_large, headers=_BODY).status_code == 413
    for request_line in _DISGUISED:
        assert federation.status_of(request_line) == 403, request_line


def _check_what_is_published_of_the_coordinator(federation: SecureFederation) -> None:
    with federation.api() as outside:
        assert outside.get("/v1/health").json()["status"] == "ok"
        assert outside.post("/v1/sites", json={"name": "store42"}).status_code == 201
        assert outside.get("/v1/feedback?after=0&limit=1").status_code == 401
        assert outside.get("/v1/models/latest").status_code in {401, 404}
        for method, path in _REFUSED_API:
            assert outside.request(method, path).status_code == 403, (method, path)


def _check_that_a_key_nobody_enrolled_is_refused(federation: SecureFederation) -> None:
    stranger = federation.box("stranger")
    (stranger / "state").mkdir(parents=True)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    (stranger / "supernode.key").write_bytes(ec.generate_private_key(ec.SECP384R1()).private_bytes(*pem))
    supernode = federation.start_supernode("stranger")
    wait_for(lambda: _refusals(federation, "stranger"), "refusal of the stranger's SuperNode")
    supernode.close()


def _kill(supernode: SuperNodeSupervisor) -> int:
    pid = supernode.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def _refusals(federation: SecureFederation, site: str) -> int:
    """How often the SuperLink did not take a site's SuperNode, as that one says."""
    return federation.supernode_log(site).count("Failed to activate SuperNode")
