"""The folders of operator, coordinator and box on a real disk, by the commands that make and change them."""

import datetime as dt
import json
import os
import shutil
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from deploy.__main__ import app
from deploy.authority import key_pem, new_key, remaining
from deploy.box_folder import accept_answer
from deploy.checks import problems_of_folder
from deploy.enrolment import Enrolment, JoinAnswer, make_request
from deploy.errors import DeployError
from deploy.folder import PlannedFile, make_folder
from deploy.operator_folder import admit_site, renew_certificate
from deploy.registration import Applied, apply_roster
from fl_client.training.site_privacy import SitePrivacy, load_spent
from fl_protocol.errors import PrivacyError, ProtocolError, RosterError
from fl_protocol.membership import IDENTITY_FILE, MEMBERSHIP_FILE, ROSTER_FILE, PrivacyPromise, rostered_site
from fl_protocol.messages import parse_message
from fl_protocol.roster import verify_roster
from fl_protocol.round_vector import RoundSettingsMessage
from fl_runtime.command import run_command
from fl_runtime.config_file import load_config
from fl_runtime.errors import FlowerCommandError
from fl_server.config import ServerConfig
from tests.fakes.node_registry import NodeRegistry

_NOW = dt.datetime.now(dt.UTC)
ONE_OF_TWO = "--max-epsilon, --delta: expected both or neither, got only one"
WITHOUT_NOISE = RoundSettingsMessage(
    round_number=1,
    seed=0,
    num_steps=1,
    is_conditioned=True,
    tubelet_steps=12,
    num_sites=3,
    max_norm=1.0,
    max_examples=1,
)
_UNVERIFIED = "systemd-analyze is not installed: THE UNITS ARE NOT VERIFIED (apt install systemd)"


def deploy(*words: str | Path) -> int:
    try:
        run_command(app, DeployError, ProtocolError, arguments=[str(word) for word in words])
    except SystemExit as ended:
        return int(str(ended.code))
    raise AssertionError("a command ends its process")


@pytest.fixture
def federation(tmp_path: Path) -> Path:
    folder = tmp_path / "federation"
    places = ("--installed-at", folder / "coordinator", "--environment", "/usr")
    assert deploy("init", "--folder", folder, "--host", "c.example", "--ip", "192.0.2.7", *places) == 0
    return folder


def enrol(federation: Path, site: str, *options: str) -> Path:
    enrolment = federation.parent / f"{site}.enrolment"
    assert deploy("enrol", "--site", site, "--folder", federation, "--out", enrolment, *options) == 0
    return enrolment


def join(federation: Path, site: str, *options: str) -> Path:
    box = federation.parent / site
    assert deploy("join", "--enrolment", enrol(federation, site, *options), "--state", box) == 0
    return box


def admit(federation: Path, box: Path) -> Path:
    answer = federation.parent / f"{box.name}.answer"
    assert deploy("admit", "--request", box / "request.json", "--folder", federation, "--out", answer) == 0
    return answer


def add_site(federation: Path, site: str) -> Path:
    box = join(federation, site)
    assert deploy("accept", "--answer", admit(federation, box), "--state", box) == 0
    return box


def sites_of(path: Path, federation: Path) -> list[str]:
    key = bytes.fromhex((federation / "coordinator" / "operator.pub").read_text())
    return [site.name for site in verify_roster(path.read_bytes(), key, newest_version=1).sites]


def private_files(folder: Path) -> dict[str, int]:
    holding = [path for path in folder.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in holding}


def test_keys_that_matter_are_not_in_the_coordinators_folder(federation: Path) -> None:
    expected = {"operator/ca.key": 0o600, "operator/operator.key": 0o600, "coordinator/server.key": 0o600}
    assert private_files(federation) == expected
    secret = federation / "coordinator" / "superexec.secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(secret.read_bytes()) >= 43
    assert sites_of(federation / "coordinator" / "roster.json", federation) == []
    assert problems_of_folder(federation, _NOW) == []


def test_nothing_is_overwritten(federation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (federation / "operator" / "ca.key").read_bytes()
    assert deploy("init", "--folder", federation, "--host", "d.example") == 2
    assert capsys.readouterr().err == f"error: {federation}: expected nothing there yet: nothing is overwritten\n"
    assert (federation / "operator" / "ca.key").read_bytes() == before


def test_folder_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    plan = {"key": PlannedFile(b"secret"), "key/below": PlannedFile(b"cannot be: a file is in the way")}
    with pytest.raises(DeployError):
        make_folder(tmp_path / "folder", plan)
    assert list(tmp_path.iterdir()) == []


def test_database_is_named_to_the_coordinator_and_to_the_runs_it_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, database = tmp_path / "federation", "postgresql+psycopg:///edgeguard?host=/run/postgresql"
    assert deploy("init", "--folder", folder, "--host", "c.example", "--database", database) == 0
    assert load_config(folder / "coordinator" / "coordinator.yaml", ServerConfig).database == database
    bundle = tomllib.loads((folder / "coordinator" / "flower-app" / "pyproject.toml").read_text())
    assert bundle["tool"]["flwr"]["app"]["config"]["database"] == database
    for told, problem in (
        (database.replace("///", "//edgeguard:secret@db/"), "String should match pattern"),
        (f"{database}&password=secret", "expected no password in the address"),
    ):
        assert deploy("init", "--folder", tmp_path / "other", "--host", "c.example", "--database", told) == 2
        assert capsys.readouterr().err.startswith(f"error: database: {problem}")


def test_wrong_options_are_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "federation"
    assert deploy("init", "--folder", folder, "--host", "not a name") == 2
    assert capsys.readouterr().err.startswith("error: hosts: 0: String should match pattern")
    assert deploy("enrol", "--site", "store42", "--folder", folder) == 2
    assert capsys.readouterr().err == f"error: {folder}: No such file or directory; was it made with init?\n"
    assert not folder.exists()


def test_box_keeps_the_budget_it_was_enrolled_with(federation: Path) -> None:
    box = join(federation, "store42", "--max-epsilon", "10", "--delta", "1e-6")
    assert deploy("accept", "--answer", admit(federation, box), "--state", box) == 0
    identity, membership, roster = ((box / name).read_bytes() for name in (IDENTITY_FILE, MEMBERSHIP_FILE, ROSTER_FILE))
    site = rostered_site(identity, membership, roster)
    assert site.privacy == PrivacyPromise(max_epsilon=10.0, delta=1e-6)
    with pytest.raises(PrivacyError, match="expected noise: this site promised it"):
        SitePrivacy(site.privacy, len(site.roster.sites), load_spent(box)).check(WITHOUT_NOISE)


def test_box_enrolled_without_a_budget_is_told_of_none(federation: Path) -> None:
    assert "privacy" not in json.loads(enrol(federation, "store42").read_text())  # boxes of before take it
    membership = json.loads((join(federation, "store43") / MEMBERSHIP_FILE).read_text())
    assert membership["privacy"] is None


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--max-epsilon", "10"), ONE_OF_TWO),
        (("--delta", "1e-6"), ONE_OF_TWO),
        (("--max-epsilon", "0", "--delta", "1e-6"), "--max-epsilon: Input should be greater than 0 (got 0.0)"),
        (
            ("--max-epsilon", "101", "--delta", "1e-6"),
            "--max-epsilon: Input should be less than or equal to 100 (got 101.0)",
        ),
        (("--max-epsilon", "nan", "--delta", "1e-6"), "--max-epsilon: Input should be a finite number (got nan)"),
        (("--max-epsilon", "8", "--delta", "1"), "--delta: Input should be less than 1 (got 1.0)"),
    ],
)
def test_budget_that_is_none_enrols_nobody(
    federation: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], problem: str
) -> None:
    capsys.readouterr()
    enrolment = federation.parent / "store42.enrolment"
    assert deploy("enrol", "--site", "store42", "--folder", federation, "--out", enrolment, *options) == 2
    assert capsys.readouterr().err == f"error: {problem}\n"
    assert not enrolment.exists()
    assert json.loads((federation / "operator" / "enrolments.json").read_text())["enrolments"] == []


def test_operator_says_how_many_sites_a_round_draws(federation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(6):
        add_site(federation, f"store{number}")
    capsys.readouterr()
    assert deploy("draw", "--folder", federation, "--sites-per-round", "5", "--dropout-percent", "20") == 0
    assert capsys.readouterr().out == "roster 8; it counts once the coordinator has it and has run apply\n"
    key = bytes.fromhex((federation / "coordinator" / "operator.pub").read_text())
    roster = verify_roster((federation / "coordinator" / "roster.json").read_bytes(), key, newest_version=8)
    assert (roster.sites_per_round, roster.dropout_percent, len(roster.sites)) == (5, 20, 6)
    assert deploy("draw", "--folder", federation, "--sites-per-round", "2") == 2
    assert capsys.readouterr().err == "error: sites_per_round: expected 0 or 3 to 5000, got 2\n"
    assert deploy("draw", "--folder", federation, "--sites-per-round", "3") == 2
    refused = "error: sites_per_round 3: a secure round: 2 of 3 sites may be corrupt: draw more of the roster's\n"
    assert capsys.readouterr().err == refused
    assert (federation / "operator" / "roster.json").read_bytes() == roster_file(federation)


def roster_file(federation: Path) -> bytes:
    return (federation / "coordinator" / "roster.json").read_bytes()


def test_private_keys_stay_where_they_were_made(federation: Path) -> None:
    before = private_files(federation)
    box = add_site(federation, "store42")
    assert private_files(box) == {"identity.key": 0o600, "supernode.key": 0o600}
    assert private_files(federation) == before
    sent = (box / "request.json").read_text() + (federation.parent / "store42.answer").read_text()
    assert "PRIVATE" not in sent
    token = json.loads((federation.parent / "store42.enrolment").read_text())["token"]
    assert not [path for path in federation.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_supernode_key_is_one_ssh_keygen_reads(federation: Path) -> None:
    box = join(federation, "store42")
    command = ["ssh-keygen", "-y", "-f", str(box / "supernode.key")]
    read = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert read.split() == (box / "supernode.key.pub").read_text().split()[:2]
    assert read.startswith("ecdsa-sha2-nistp384 ")


def test_admitted_site_is_in_the_roster_and_readied_for_the_superlink(federation: Path) -> None:
    box = add_site(federation, "store42")
    assert sites_of(box / "roster.json", federation) == ["store42"]
    assert (box / "roster.json").read_bytes() == (federation / "coordinator" / "roster.json").read_bytes()
    ready = federation / "coordinator" / "nodes" / "store42.pub"
    assert ready.read_bytes() == (box / "supernode.key.pub").read_bytes()


def test_token_is_taken_once(federation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    box = add_site(federation, "store42")
    assert deploy("admit", "--request", box / "request.json", "--folder", federation) == 2
    assert "its token is not known, was used already or was replaced" in capsys.readouterr().err
    again = federation.parent / "again"
    assert deploy("join", "--enrolment", federation.parent / "store42.enrolment", "--state", again) == 0
    assert deploy("admit", "--request", again / "request.json", "--folder", federation) == 2


def test_a_second_enrolment_replaces_the_first(federation: Path) -> None:
    first, second = join(federation, "store42"), federation.parent / "second"
    assert deploy("join", "--enrolment", enrol(federation, "store42"), "--state", second) == 0
    assert deploy("admit", "--request", first / "request.json", "--folder", federation) == 2
    admit(federation, second)


def test_admission_interrupted_before_its_end_can_be_repeated(federation: Path) -> None:
    box = join(federation, "store42")
    opened = (federation / "operator" / "enrolments.json").read_bytes()
    first = json.loads(admit(federation, box).read_text())
    (federation / "operator" / "enrolments.json").write_bytes(opened)  # as a crash before the last step leaves it
    (federation / "coordinator" / "nodes" / "store42.pub").unlink()
    assert json.loads(admit(federation, box).read_text()) == first
    assert (federation / "coordinator" / "nodes" / "store42.pub").exists()


def test_site_in_the_roster_is_not_enrolled_again(federation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_site(federation, "store42")
    assert deploy("enrol", "--site", "store42", "--folder", federation) == 2
    assert capsys.readouterr().err.endswith("store42 is in the roster; revoke it first to enrol it with new keys\n")


def test_name_that_leads_out_of_the_folder_is_refused(federation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy("enrol", "--site", "../../etc", "--folder", federation) == 2
    assert "expected a name of letters" in capsys.readouterr().err


def test_revoked_site_is_gone_and_box_refuses_the_roster_before(federation: Path) -> None:
    box, other = add_site(federation, "store42"), add_site(federation, "store43")
    old = (federation / "coordinator" / "roster.json").read_text()
    assert deploy("revoke", "--site", "store42", "--folder", federation) == 0
    new = (federation / "coordinator" / "roster.json").read_text()
    assert sites_of(federation / "coordinator" / "roster.json", federation) == ["store43"]
    assert not (federation / "coordinator" / "nodes" / "store42.pub").exists()
    assert accept_answer(JoinAnswer(site="store43", signed_roster=new), other).version == 4
    with pytest.raises(RosterError, match="expected version 4 or newer, got 3: a rollback"):
        accept_answer(JoinAnswer(site="store43", signed_roster=old), other)
    with pytest.raises(DeployError, match="expected store42 with the key of this box in it"):
        accept_answer(JoinAnswer(site="store42", signed_roster=new), box)
    assert deploy("revoke", "--site", "store42", "--folder", federation) == 2
    assert deploy("revoke", "--site", "store43", "--folder", federation) == 0


def test_revoking_forgets_an_open_enrolment(federation: Path) -> None:
    box = join(federation, "store42")
    assert deploy("revoke", "--site", "store42", "--folder", federation) == 0
    assert deploy("admit", "--request", box / "request.json", "--folder", federation) == 2


def test_roster_of_another_operator_is_refused_by_the_box(federation: Path, tmp_path: Path) -> None:
    box = join(federation, "store42")
    foreign = tmp_path / "elsewhere" / "federation"
    assert deploy("init", "--folder", foreign, "--host", "c.example") == 0
    forged = (foreign / "coordinator" / "roster.json").read_text()
    with pytest.raises(RosterError, match="expected a signature by the operator's key"):
        accept_answer(JoinAnswer(site="store42", signed_roster=forged), box)
    assert not (box / "roster.json").exists()


def test_box_that_joined_is_not_overwritten(federation: Path) -> None:
    box = join(federation, "store42")
    key = (box / "identity.key").read_bytes()
    assert deploy("join", "--enrolment", federation.parent / "store42.enrolment", "--state", box) == 2
    assert (box / "identity.key").read_bytes() == key


def test_ended_enrolment_is_refused_by_the_box(federation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    enrolment = enrol(federation, "store42")
    fields = json.loads(enrolment.read_text()) | {"expires_utc": "2020-01-01T00:00:00Z"}
    enrolment.write_text(json.dumps(fields))
    assert deploy("join", "--enrolment", enrolment, "--state", federation.parent / "box") == 2
    assert "enrolment: ended 2020-01-01" in capsys.readouterr().err


def test_superlink_serves_exactly_the_roster(federation: Path) -> None:
    coordinator, superlink = federation / "coordinator", NodeRegistry()
    add_site(federation, "store42")
    add_site(federation, "store43")
    assert apply_roster(coordinator, superlink) == Applied(3, ("store42", "store43"), ())
    assert apply_roster(coordinator, superlink) == Applied(3, (), ())
    assert deploy("revoke", "--site", "store42", "--folder", federation) == 0
    shutil.rmtree(federation.parent / "store42")
    add_site(federation, "store42")  # the same name with new keys
    assert apply_roster(coordinator, superlink) == Applied(5, ("store42",), ("store42",))
    assert sorted(superlink.name_by_node_id.values()) == ["store42", "store43"]


def test_superlink_that_lost_its_database_is_told_of_every_site_anew(federation: Path) -> None:
    coordinator, superlink = federation / "coordinator", NodeRegistry()
    add_site(federation, "store42")
    apply_roster(coordinator, superlink)
    superlink.forget()
    assert apply_roster(coordinator, superlink) == Applied(2, ("store42",), ())
    assert list(superlink.name_by_node_id.values()) == ["store42"]


def test_apply_that_failed_half_way_is_taken_up_again(federation: Path) -> None:
    coordinator, superlink = federation / "coordinator", NodeRegistry()
    add_site(federation, "store42")
    superlink.refuses = True
    with pytest.raises(FlowerCommandError, match="unreachable"):
        apply_roster(coordinator, superlink)
    superlink.refuses = False
    assert apply_roster(coordinator, superlink).registered == ("store42",)


def test_coordinator_applies_no_older_roster(federation: Path) -> None:
    coordinator, superlink = federation / "coordinator", NodeRegistry()
    add_site(federation, "store42")
    old = (coordinator / "roster.json").read_bytes()
    assert deploy("revoke", "--site", "store42", "--folder", federation) == 0
    apply_roster(coordinator, superlink)
    (coordinator / "roster.json").write_bytes(old)
    with pytest.raises(RosterError, match="a rollback"):
        apply_roster(coordinator, superlink)
    assert superlink.name_by_node_id == {}


def test_renewal_keeps_the_coordinators_key(federation: Path) -> None:
    coordinator = federation / "coordinator"
    (coordinator / "server.key").unlink()  # it is on the coordinator by then
    later = _NOW + dt.timedelta(days=380)
    assert "days left: renew it" in problems_of_folder(coordinator, later)[0]
    renew_certificate(federation, later)
    assert problems_of_folder(coordinator, later) == []
    assert remaining((coordinator / "server.pem").read_bytes(), later) > dt.timedelta(days=396)


def test_check_names_a_key_others_may_read(federation: Path) -> None:
    (federation / "operator" / "ca.key").chmod(0o640)
    (problem,) = problems_of_folder(federation, _NOW)
    assert problem.endswith("operator/ca.key: expected no access for others (mode 600), got 640")
    assert deploy("check", "--folder", federation) == 1


@pytest.mark.parametrize(
    ("shared", "problem"),
    [
        ("identity", "request: sites: expected every identity key once"),
        ("node", "request: its SuperNode key is that of store42"),
    ],
)
def test_one_box_does_not_become_two_sites(federation: Path, shared: str, problem: str) -> None:
    box = add_site(federation, "store42")
    identity = load_pem_private_key((box / "identity.key").read_bytes(), None)
    node = load_ssh_private_key((box / "supernode.key").read_bytes(), None)
    assert isinstance(identity, Ed25519PrivateKey)
    assert isinstance(node, ec.EllipticCurvePrivateKey)
    if shared == "identity":
        node = ec.generate_private_key(ec.SECP384R1())
    else:
        identity = Ed25519PrivateKey.generate()
    enrolment = parse_message(Enrolment, enrol(federation, "store43").read_bytes())
    with pytest.raises(DeployError, match=problem):
        admit_site(federation, make_request(enrolment, identity, node, _NOW), _NOW)
    assert sites_of(federation / "coordinator" / "roster.json", federation) == ["store42"]


_EC_KEY = key_pem(new_key())


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("operator.key", b"", "operator.key: expected a private key in PEM without password"),
        ("operator.key", _EC_KEY, "operator.key: expected an Ed25519 key"),
        ("settings.json", b"{}", "settings.json: hosts: Field required"),
        ("roster.json", b"", "roster: file: Invalid JSON"),
        ("enrolments.json", b"[]", "expected OpenEnrolments: body: "),
        ("roster.json", bytes(2_000_001), "roster.json: expected at most 2000000 bytes"),
    ],
)
def test_damaged_file_of_the_operator_is_named(
    federation: Path, name: str, content: bytes, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (federation / "operator" / name).write_bytes(content)
    assert deploy("enrol", "--site", "store42", "--folder", federation) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert problem in line


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"", "expected a private key in PEM without password"), (_EC_KEY, "expected an Ed25519 key")],
)
def test_damaged_key_of_the_box_is_named(federation: Path, content: bytes, problem: str) -> None:
    box = join(federation, "store42")
    answer = admit(federation, box)
    (box / "identity.key").write_bytes(content)
    with pytest.raises(DeployError, match=f"identity.key: {problem}"):
        accept_answer(parse_message(JoinAnswer, answer.read_bytes()), box)


def test_box_whose_folder_needs_quoting_is_refused(federation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    enrolment = enrol(federation, "store42")
    assert deploy("join", "--enrolment", enrolment, "--state", federation.parent / 'a "box"') == 2
    assert capsys.readouterr().err.endswith('a "box": expected a path of letters, digits, _ . / and -\n')


def test_renew_and_revoke_say_what_is_left_to_do(federation: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_site(federation, "store42")
    capsys.readouterr()
    assert deploy("renew", "--folder", federation) == 0
    assert deploy("revoke", "--site", "store42", "--folder", federation) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{federation}/coordinator/server.pem goes to the coordinator; then restart the proxy and the SuperLink",
        "roster 3; it counts once the coordinator has it and has run apply",
    ]
    assert deploy("apply", "--folder", federation / "coordinator") == 0  # nothing to register: Flower is not asked
    assert capsys.readouterr().out == "roster 3: nothing to change\n"


def test_start_scripts_are_good_sh(federation: Path) -> None:
    box = join(federation, "store42")
    for script in [*(federation / "coordinator" / "bin").iterdir(), box / "bin" / "client"]:
        subprocess.run(["/bin/sh", "-n", str(script)], check=True)
        assert os.access(script, os.X_OK) == (script.name != "environment")
    ended = subprocess.run([str(box / "bin" / "client")], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (2, f"error: {box}/source: expected the camera's address in it\n")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason=_UNVERIFIED)
def test_units_are_good_for_systemd(federation: Path) -> None:
    box = join(federation, "store42")
    units = [*(federation / "coordinator" / "systemd").iterdir(), *(box / "systemd").iterdir()]
    assert len(units) == 5
    command = ["systemd-analyze", "verify", "--man=no", *map(str, units)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    about_ours = [line for line in ended.stderr.splitlines() if "edgeguard" in line]
    assert (ended.returncode, about_ours) == (0, []), ended.stderr
