"""From frames to the alert on disk: an alert says what its objects did."""

import contextlib
import datetime as dt
import json
from pathlib import Path

import pytest

from context.event import EventRules
from context.schedule import WEEKDAYS
from context.site import Site
from fl_client.capture.wire import CapturedFrame
from fl_client.pipeline import CameraPipeline
from fl_client.recording.clip_writer import ClipWriter, FinishedClip
from fl_client.recording.event_recorder import EventRecorder
from fl_client.storage.database import open_database
from fl_client.storage.events import AlertStore
from fl_client.storage.state_folder import open_state_folder
from tests.fakes.drawn_scene import FPS, walking_frames
from tests.fakes.onnx_models import drawn_model

START_S = dt.datetime(2026, 1, 7, 12, tzinfo=dt.UTC).timestamp()
LEARN_FOR_S = 40.0
RUNNING_PX = 12.0


def site(direction: list[float]) -> Site:
    """A store with one zone, where people go in one direction."""
    whole = [[0, 0], [1, 0], [1, 1], [0, 1]]
    zone = {"name": "aisle", "kind": "aisle", "polygon": whole, "flow_direction": direction}
    return Site.model_validate(
        {
            "name": "store42",
            "schedule": {"weekly": {day: {"opens": "00:00", "closes": "24:00"} for day in WEEKDAYS}},
            "cameras": [{"name": "door", "zones": [zone]}],
            "behaviours": {"metres_per_height": 1.7},
        }
    )


def alerts_of_a_runner(folder: Path, described: Site) -> list[dict[str, object]]:
    """Learns from walkers, then watches somebody run to the right; returns the alerts as they are on disk."""
    model = folder / "model.onnx"
    model.write_bytes(drawn_model())
    with contextlib.ExitStack() as stack:
        state = stack.enter_context(open_state_folder(folder / "state"))
        database = open_database(state.database_path)
        stack.callback(database.close)
        alerts = AlertStore(database, state.alerts)
        pipeline = CameraPipeline(described, described.cameras[0], state.path, LEARN_FOR_S, model)
        stack.callback(pipeline.close)

        def _complete(clip: FinishedClip) -> None:
            alerts.complete(clip.alert_id, clip.digest)

        clips = ClipWriter(state.clips, FPS, _complete)
        recorder = EventRecorder("door", pipeline, alerts, clips, EventRules())
        now_s = START_S
        for number, (seed, speed) in enumerate([(1, 4.0), (4, 4.0), (2, RUNNING_PX)]):
            for frame in walking_frames((round(LEARN_FOR_S * FPS), 30, 60)[number], seed, speed):
                scored = pipeline.process(frame, now_s)
                recorder.observe(CapturedFrame(frame, now_s, num_decoded=1), scored)
                now_s += 1 / FPS
            pipeline._fitter.submit(lambda: None).result(timeout=30)
            now_s += 2.0
        recorder.close()
        return [json.loads(path.read_text()) for path in state.alerts.glob("*.json")]


@pytest.mark.parametrize(("direction", "is_against"), [([-1.0, 0.0], True), ([1.0, 0.0], False)])
def test_alert_tells_how_fast_its_runner_was_and_whether_against_the_direction(
    tmp_path: Path, direction: list[float], is_against: bool
) -> None:
    alerts = alerts_of_a_runner(tmp_path, site(direction))
    told = [shown for alert in alerts for shown in alert.get("behaviours", [])]  # type: ignore[attr-defined]  # JSON
    by_name = {shown["behaviour"]: shown for shown in told}
    assert by_name["speed"]["zone"] == "aisle"
    assert 1.4 < by_name["speed"]["value"] < 6.0
    assert by_name["speed"]["metres_s"] == pytest.approx(1.7 * by_name["speed"]["value"], abs=0.01)
    assert ("against_flow" in by_name) == is_against
    if is_against:
        assert by_name["against_flow"]["value"] < -1.0
