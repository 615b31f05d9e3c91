"""A simulated operator: sites send their alerts to the real coordinator, the operator judges them, sites read it back.

The operator knows the ground truth, and nothing else is simulated: alerts, labels and feedback travel over HTTP through
the coordinator's API, and each site files the tubelets of its own alerts under what it reads back.
"""

import dataclasses
import hashlib
import secrets
import uuid
from pathlib import Path

import httpx

from fl_client.recording.alert_report import report_of
from fl_client.storage.tubelet_store import TubeletStore
from fl_client.uplink.coordinator import Coordinator, open_client
from fl_protocol.messages import Feedback
from fl_protocol.registration import SiteCredential
from simulation.footage import SiteFootage
from simulation.metrics import is_true_alert
from simulation.site_scoring import ScoredClip


@dataclasses.dataclass(frozen=True)
class FeedbackCounts:
    """What the operator said, and how much of it the sites could use."""

    num_alerts: int
    num_false: int
    num_confirmed: int
    num_labelled_tubelets: int


def collect_feedback(
    address: str, footage: SiteFootage, clips: list[ScoredClip], state_dir: Path, model_digest: str
) -> FeedbackCounts:
    """Sends one site's alerts, has them judged, and files the answer in the site's store.

    Args:
        address: The coordinator.
        footage: The site.
        clips: Its clips, scored by the variant ``int8``.
        state_dir: Its folder.
        model_digest: Digest of the model that raised the alerts.
    """
    camera = footage.site.cameras[0]
    store = TubeletStore(state_dir / "cameras" / camera.name)
    coordinator = Coordinator(open_client(address, None), footage.site.name, SiteCredential(secrets.token_urlsafe(32)))
    try:
        coordinator.register()
        truth_by_alert = _send_alerts(coordinator, clips, store, camera.name, model_digest)
        _judge(address, truth_by_alert)
        num_tubelets = _file_feedback(coordinator, store)
    finally:
        coordinator.close()
    num_confirmed = sum(truth_by_alert.values())
    return FeedbackCounts(len(truth_by_alert), len(truth_by_alert) - num_confirmed, num_confirmed, num_tubelets)


def _send_alerts(
    coordinator: Coordinator, clips: list[ScoredClip], store: TubeletStore, camera: str, model_digest: str
) -> dict[str, bool]:
    """Sends every alert; returns whether each is a true one, by its id."""
    truth_by_alert = {}
    for clip in clips:
        for number, alert in enumerate(clip.by_variant["int8"].alerts):
            alert_id = _alert_id(clip, number)
            if len(alert.tubelets):
                store.keep_pending(alert_id, alert.tubelets)
            coordinator.send_alert(report_of(alert.event, alert_id, camera, model_digest))
            truth_by_alert[alert_id] = is_true_alert(clip, alert)
    return truth_by_alert


def _alert_id(clip: ScoredClip, number: int) -> str:
    """An id like a client's, but the same in every run: what is trained on comes in the order of the ids."""
    digest = hashlib.sha256(f"{clip.site}/{clip.name}/{number}".encode()).digest()
    return str(uuid.UUID(bytes=digest[:16], version=4))


def _judge(address: str, truth_by_alert: dict[str, bool]) -> None:
    """The operator's two buttons."""
    with httpx.Client(base_url=address) as operator:
        for alert_id, is_true in truth_by_alert.items():
            word = Feedback(label="confirmed" if is_true else "false")
            answer = operator.post(f"/v1/alerts/{alert_id}/feedback", json=word.model_dump(mode="json"))
            answer.raise_for_status()


def _file_feedback(coordinator: Coordinator, store: TubeletStore) -> int:
    """Reads the site's feedback to its end; returns how many tubelets it labelled."""
    position, num_tubelets = 0, 0
    while (page := coordinator.feedback_after(position)).items:
        for entry in page.items:
            labelled = store.label(str(entry.alert_id), entry.label)
            num_tubelets += 0 if labelled is None else len(labelled)
        position = page.next_after
    return num_tubelets
