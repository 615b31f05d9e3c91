"""The real thing on loopback: two sites watch and learn together, and one learns from its operator.

Every part is a process of its own, started as a user starts it; the sites watch films in real time.
"""

import dataclasses
import datetime as dt
import hashlib
from pathlib import Path

import numpy as np
import pytest

from fl_client.errors import StateError
from fl_client.storage.tubelet_store import LABELS, TubeletStore
from fl_client.training.normality_sums import camera_stores
from fl_client.training.site_training import training_footage
from fl_protocol.messages import AlertPage, PublishedModel, RoundPage, StoredAlert
from fl_server.rounds.checkpoint import load_checkpoint
from fl_server.rounds.server_optimizer import ServerOptimizer
from model_zoo.default import DEFAULT_CHECKPOINT, DEFAULT_MODEL
from model_zoo.perception.tubelet import Tubelets, concatenate
from tests.fakes.films import FRAME_S, GAP_S, Shot, pedestrian_scenes, street_scenes, write_film
from tests.fakes.videos import decoded_times
from tests.integration.federation_processes import Federation, RunningSite

LEARN_FOR_S = 14.0
LEARNING_FRAMES = 100
UNUSUAL_FRAMES = slice(20, 140)
QUIET_S = 6.0
"""Longer than an event outlives what is unusual."""
SHORTEST_ALERT = dt.timedelta(seconds=2)
"""Long enough for tubelets to be kept of it."""
MOST_DROPPED = 0.1
"""A machine with nothing else to do drops no frame; one busy with other work as well may, but goes on watching."""
FILM_CYCLES = 15
"""About fifteen minutes of film: as long as the test may take at all."""
TIMEOUT_S = 900
"""Of the whole test, a few minutes where no more than one other test runs: others may keep all cores busy."""


@pytest.mark.timeout(TIMEOUT_S)
def test_two_sites_learn_together_and_one_learns_from_its_operator(tmp_path: Path) -> None:
    shipped = load_checkpoint(DEFAULT_CHECKPOINT, ServerOptimizer()).round_number
    with Federation(tmp_path) as federation:
        judged = federation.start_site("store42", _eventful_film(tmp_path), LEARN_FOR_S)
        other = federation.start_site("store43", _usual_film(tmp_path), LEARN_FOR_S)
        federation.wait_for(lambda: _is_ready(judged) and _is_ready(other), "footage to train on")
        run = federation.train(num_rounds=2)
        _label_an_alert_false(federation, judged, other)

        def published() -> PublishedModel | None:
            latest = federation.get("/v1/models/latest")
            return PublishedModel.model_validate_json(latest) if latest else None

        first = federation.wait_for(published, "new model", run)
        assert first.digest != _digest(DEFAULT_MODEL)
        assert _rounds(federation) == [(shipped + 2, 2), (shipped + 1, 2)]
        federation.wait_for(lambda: _has_swapped(first, judged, other), "swapped model")
        run = federation.train(num_rounds=1)
        second = federation.wait_for(lambda: _newer(published(), first), "second new model", run)
        assert _rounds(federation)[0] == (shipped + 3, 2)
        federation.wait_for(lambda: _has_swapped(second, judged, other), "model swapped again")
        assert _labels(judged) == {0, LABELS["false"]}
        judged.ask_to_stop()
        other.ask_to_stop()
        for site in (judged, other):
            _check_what_it_did(site, [first.digest, second.digest])
        assert federation.programs_left() & {"flower-supernode", "flwr-clientapp"} == set()


def _label_an_alert_false(federation: Federation, judged: RunningSite, other: RunningSite) -> None:
    """Waits for an alert with its clip, calls it false, and sees what ``judged`` trains on change by it."""
    alert = federation.wait_for(lambda: _alert_of(federation, judged.name), "alert")
    clip = federation.client.get(f"/v1/alerts/{alert.report.alert_id}/clip").raise_for_status().content
    assert hashlib.sha256(clip).hexdigest() == alert.report.clip_digest
    delivered = judged.state / "delivered.webm"
    delivered.write_bytes(clip)
    assert decoded_times(delivered)[-1] > 5.0
    assert _labels(judged) == _labels(other) == {0}
    feedback = federation.client.post(f"/v1/alerts/{alert.report.alert_id}/feedback", json={"label": "false"})
    assert feedback.raise_for_status().json()["label"] == "false"
    federation.wait_for(lambda: len(_store(judged).labelled()), "feedback at the site")
    labelled, trained_on = _store(judged).labelled(), _trained_on(judged)
    assert set(labelled.label) == {LABELS["false"]}
    is_judged = trained_on.label == LABELS["false"]
    np.testing.assert_array_equal(trained_on.crops[is_judged], labelled.crops)
    started, ended = alert.report.started_utc.timestamp(), alert.report.ended_utc.timestamp()
    assert ((labelled.instant_s >= started - 0.01) & (labelled.instant_s <= ended + 0.01)).all()
    assert not len(_store(other).labelled())
    assert _labels(other) == {0}


def _check_what_it_did(site: RunningSite, digests: list[str]) -> None:
    summary, lines = site.summary(), site.logged()
    assert summary["model_digest"] == digests[-1]
    swaps = [line for line in lines if line["message"] == "scoring with another model"]
    assert [swap["model_digest"] for swap in swaps] == digests
    for swap in swaps:  # the frame before the swap and the frame after it follow each other in the film
        assert round(swap["since_last_frame_s"], 1) in {FRAME_S, FRAME_S + GAP_S, FRAME_S + QUIET_S}, swap
    assert summary["dropped"] <= MOST_DROPPED * summary["analysed"], summary
    assert [line for line in lines if line["level"] == "error"] == []


def _eventful_film(folder: Path) -> Path:
    """A quiet start to learn from, then something unusual every now and then."""
    scenes = pedestrian_scenes()
    start, after, *others = scenes.usual
    shots = [start, dataclasses.replace(after, frames=after.frames[:LEARNING_FRAMES])]
    for cycle in range(FILM_CYCLES * 2):
        unusual, usual = scenes.unusual[cycle % len(scenes.unusual)], others[cycle % len(others)]
        shots += [Shot(unusual.frames[UNUSUAL_FRAMES], QUIET_S), usual]
    return write_film(folder / "eventful.mkv", shots)


def _usual_film(folder: Path) -> Path:
    return write_film(folder / "usual.mkv", street_scenes().usual * FILM_CYCLES)


def _store(site: RunningSite) -> TubeletStore:
    (store,) = camera_stores(site.state)
    return store


def _is_ready(site: RunningSite) -> bool:
    """Whether the site has something to train on and to evaluate with."""
    try:
        return all(training_footage(site.state, 12, is_held_out=flag) for flag in (False, True))
    except StateError:
        return False


def _trained_on(site: RunningSite) -> Tubelets:
    return concatenate([camera.tubelets for camera in training_footage(site.state, 16, is_held_out=False)])


def _labels(site: RunningSite) -> set[int]:
    return set(_trained_on(site).label.tolist())


def _alert_of(federation: Federation, site: str) -> StoredAlert | None:
    page = AlertPage.model_validate_json(federation.get(f"/v1/alerts?site={site}") or b"")
    complete = [alert for alert in page.alerts if alert.has_clip]
    long = [alert for alert in complete if alert.report.ended_utc - alert.report.started_utc >= SHORTEST_ALERT]
    return long[-1] if long else None


def _rounds(federation: Federation) -> list[tuple[int, int]]:
    """Number and sites of each round, the newest first."""
    page = RoundPage.model_validate_json(federation.get("/v1/rounds") or b"")
    return [(closed.round_number, closed.num_sites) for closed in page.rounds]


def _newer(latest: PublishedModel | None, than: PublishedModel) -> PublishedModel | None:
    return latest if latest and latest.digest != than.digest else None


def _has_swapped(model: PublishedModel, *sites: RunningSite) -> bool:
    current = [site.state / "models" / "current" for site in sites]
    return all(path.exists() and path.read_text() == model.digest for path in current)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
