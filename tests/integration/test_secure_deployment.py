"""The real thing as an operator sets it up: TLS, node keys, process isolation, and a proxy in front.

SuperLink, SuperExec, coordinator and nginx run from the start scripts of ``python -m deploy init``; three SuperNodes
with keys made by ``join`` connect through the proxy alone.
"""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import warnings
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fl_client.errors import RefusedError, UnreachableError
from fl_client.supervisor import ProcessSupervisor
from fl_client.uplink.coordinator import Coordinator, open_client
from fl_client.uplink.site_credential import site_credential
from fl_protocol.registration import SiteCredential, member_credential
from tests.fakes.videos import write_video
from tests.integration.secure_federation import ROOT, SecureFederation, wait_for
from tests.unit.fl_server.memory_storage import report as alert

SITES = ["store42", "store43", "store44"]
RECOVERY_S = 300.0
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
    ("GET", "/v1/trainings"),
    ("POST", "/v1/trainings"),
    ("POST", "/v1/trainings/3f2504e04f8941d39a0c0305e82c3301/end"),
    ("GET", "/v1/alerts/3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
    ("GET", "/v1/alerts/3f2504e0-4f89-41d3-9a0c-0305e82c3301/clip"),
    ("POST", "/v1/alerts/3f2504e0-4f89-41d3-9a0c-0305e82c3301/feedback"),
    ("POST", "/alerts/3f2504e0-4f89-41d3-9a0c-0305e82c3301/feedback"),
    ("POST", "/v1/models/latest"),
)


_NEEDS_NGINX = pytest.mark.skipif(
    _NGINX is None, reason="nginx is not installed: THE PROXY IS NOT TESTED (apt install nginx-light)"
)
_NO_MODEL = "0" * 64


@_NEEDS_NGINX
def test_a_site_reaches_all_it_needs_of_the_coordinator_and_no_more(tmp_path: Path) -> None:
    with SecureFederation(tmp_path, parts=("coordinator", "proxy")) as federation:
        address = f"https://localhost:{federation.ports.api}"
        clip = os.urandom(20 * 1024 * 1024)
        report = alert(clip_digest=hashlib.sha256(clip).hexdigest())
        credential = _credential_of(federation.enrol("store42"))
        with contextlib.closing(open_client(address, federation.authority)) as client:
            site = Coordinator(client, "store42", credential)
            site.register()
            site.send_alert(report)
            site.send_clip(report.alert_id, clip, "video/webm")
            assert site.feedback_after(0).items == ()
            assert site.latest_model() is None
            with pytest.raises(RefusedError, match="does not have the model it announced"):
                site.model(_NO_MODEL, 1024)
            for method, path in _REFUSED_API:
                assert client.request(method, path).status_code == 403, (method, path)
            too_large = client.put(f"/v1/alerts/{report.alert_id}/clip", content=bytes(34 * 1024 * 1024))
            assert too_large.status_code == 413


@_NEEDS_NGINX
def test_the_boxs_start_script_runs_a_client_of_this_federation(tmp_path: Path) -> None:
    with SecureFederation(tmp_path, parts=("coordinator", "proxy")) as federation:
        box = federation.enrol("store42")
        (box / "source").write_text(f"{write_video(tmp_path / 'camera.webm', 1.0)}\n")
        command = [str(box / "bin" / "client"), "--fast"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["frames"] == 10
        assert '"message": "site registered", "site": "store42"' in ended.stderr
        assert (box / "state" / "site" / "supernode.log").exists()


@_NEEDS_NGINX
def test_a_name_belongs_to_the_box_on_the_roster_whoever_comes_first(tmp_path: Path) -> None:
    with SecureFederation(tmp_path, parts=("coordinator", "proxy")) as federation, federation.api() as client:
        impostor = member_credential(Ed25519PrivateKey.generate(), "edgeguard", "store42")
        _check_refused(client, impostor, r"expected a name on the roster \(version 1\)")
        box = _credential_of(federation.enrol("store42"))  # the coordinator runs on; the roster beside it is replaced
        _check_refused(client, SiteCredential("t" * 43), "expected its token and a proof by its identity key")
        _check_refused(client, impostor, "expected a proof by the identity key on the roster, for this token")
        _check_refused(
            client, SiteCredential("t" * 43, box.proof), "expected a proof by the identity key on the roster"
        )
        site = Coordinator(client, "store42", box)
        site.register()
        site.send_alert(alert())

        federation.revoke("store42")
        with pytest.raises(UnreachableError, match=r"status 401: .*registered with its identity key on the roster"):
            site.send_alert(alert())
        _check_refused(client, box, r"expected a name on the roster \(version 3\)")
        federation.box("store42").rename(tmp_path / "stolen")
        anew = Coordinator(client, "store42", _credential_of(federation.enrol("store42")))
        anew.register()
        anew.send_alert(alert())
        _check_refused(client, box, "expected a proof by the identity key on the roster")


@_NEEDS_NGINX
def test_whom_the_authority_does_not_vouch_for_is_not_the_coordinator(tmp_path: Path) -> None:
    with SecureFederation(tmp_path, parts=("proxy",)) as federation:
        with (
            httpx.Client() as trusting_the_system,
            pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
        ):
            trusting_the_system.get(f"https://localhost:{federation.ports.api}/v1/health")
        with federation.api() as client:
            assert client.get("/v1/health").status_code == 502  # the coordinator does not run
        assert federation.speak_tls(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
        assert federation.speak_tls(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it should not be used is the point
            with pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
                federation.speak_tls(ssl.TLSVersion.TLSv1_1)


@_NEEDS_NGINX
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
        assert federation.roll_call(num_sites=3) == SITES

        first = _kill(supernodes["store42"])
        _check_that_a_key_nobody_enrolled_is_refused(federation)
        federation.revoke("store44")
        federation.apply()
        wait_for(lambda: _refusals(federation, "store44"), "refusal of the revoked SuperNode")
        wait_for(lambda: _activations(federation, "store42") == 2, "return of the killed SuperNode", RECOVERY_S)
        assert federation.roll_call(num_sites=2) == ["store42", "store43"]
        assert _refusals(federation, "store42") > 0  # Flower's status 305: it was not taken back at once
        assert supernodes["store42"].pid not in {None, first}
        assert _refusals(federation, "store43") == supernodes["store43"].num_restarts == 0


def test_superlink_that_lost_its_database_serves_the_roster_again(tmp_path: Path) -> None:
    with SecureFederation(tmp_path, parts=("superlink",)) as federation:
        federation.enrol("store42")
        told = federation.apply()
        assert "store42" in told
        federation.lose_superlink()
        assert federation.apply() == told
        assert "store42" not in federation.apply()


def test_deployed_coordinator_starts_a_run_at_its_superlink_for_who_wants_a_training(tmp_path: Path) -> None:
    with SecureFederation(tmp_path, parts=("superlink", "coordinator")) as federation:
        command = [str(federation.coordinator_folder / "bin" / "train"), "--rounds", "5", "--option", "min-sites=3"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment)
        assert ended.returncode == 0, ended.stderr
        training_id = json.loads(ended.stdout)["training_id"]
        with httpx.Client(base_url=f"http://127.0.0.1:{federation.ports.coordinator}") as client:

            def training() -> dict[str, Any]:
                found: dict[str, Any] = client.get(f"/v1/trainings/{training_id}").raise_for_status().json()
                assert found["problem"] is None
                return found

            wait_for(lambda: training()["run_id"], "run of the training")
            assert (training()["options"], training()["num_starts"]) == ({"min-sites": 3}, 1)
            assert client.post(f"/v1/trainings/{training_id}/end").json()["status"] == "failed"


def _credential_of(box: Path) -> SiteCredential:
    return site_credential("store42", box / "state" / "token", box)


def _check_refused(client: httpx.Client, credential: SiteCredential, why: str) -> None:
    """Checks that the coordinator refuses a registration as store42, and every call with its token."""
    site = Coordinator(client, "store42", credential)
    with pytest.raises(UnreachableError, match=f"POST /v1/sites: status 403: .*site store42: {why}"):
        site.register()
    with pytest.raises(UnreachableError, match="status 401"):
        site.send_alert(alert())


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


def _check_that_a_key_nobody_enrolled_is_refused(federation: SecureFederation) -> None:
    stranger = federation.box("stranger")
    (stranger / "state").mkdir(parents=True)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    (stranger / "supernode.key").write_bytes(ec.generate_private_key(ec.SECP384R1()).private_bytes(*pem))
    supernode = federation.start_supernode("stranger")
    wait_for(lambda: _refusals(federation, "stranger"), "refusal of the stranger's SuperNode")
    supernode.close()


def _kill(supernode: ProcessSupervisor) -> int:
    pid = supernode.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def _activations(federation: SecureFederation, site: str) -> int:
    """How often the SuperLink took a site's SuperNode."""
    return federation.supernode_log(site).count("SuperNode ID:")


def _refusals(federation: SecureFederation, site: str) -> int:
    """How often the SuperLink did not take a site's SuperNode, as that one says."""
    return federation.supernode_log(site).count("Failed to activate SuperNode")
