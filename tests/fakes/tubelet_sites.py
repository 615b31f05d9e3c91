"""Sites with one camera and a few tubelets to train on, some of them held out."""

from pathlib import Path

from context.site import Camera
from fl_client.storage.tubelet_store import HELD_OUT_EVERY, TubeletStore
from fl_protocol.membership import ROSTER_FILE
from fl_server.secure_rounds import SecureRun, secure_run
from simulation.federation import OPERATOR_KEY_FILE, enrol_all
from tests.fakes.tubelets import Look, drawn_block


def fill_site(state_dir: Path, index: int, num_tubelets: int = 3) -> Path:
    """Gives a site's folder blocks of so many tubelets; those of each ``index`` look different."""
    store = TubeletStore(state_dir / "cameras" / "c")
    store.describe(Camera(name="c", index=index + 1))
    for number in range(HELD_OUT_EVERY):
        store.append(drawn_block(num_tubelets, seed=10 * index + number, look=Look(40 * index)))
    return state_dir


def enrolled_run(site_dirs: list[Path], folder: Path) -> SecureRun:
    """A secure run of these sites, whose roster is written into ``folder``."""
    enrol_all(site_dirs, folder)
    operator_key = bytes.fromhex((folder / OPERATOR_KEY_FILE).read_text())
    return secure_run((folder / ROSTER_FILE).read_bytes(), operator_key)
