"""A SuperLink's runs in memory: started, ended and refused as the test says."""

from fl_runtime.errors import FlowerCommandError
from fl_server.storage.trainings import Training
from fl_server.supervision.next_step import FlowerRun

APP = "edgeguard/edgeguard"


class SuperLinkRuns:
    """Numbers runs from 1; each is live until the test ends it.

    Attributes:
        runs: By number.
        started_for: Trainings, by number of their run.
        num_listings: How often the runs were asked for.
        unreachable: What every command fails with; None while the SuperLink answers.
        refusal: What every start fails with; None where it succeeds.
    """

    def __init__(self) -> None:
        self.runs: dict[str, FlowerRun] = {}
        self.started_for: dict[str, Training] = {}
        self.num_listings = 0
        self.unreachable: str | None = None
        self.refusal: str | None = None

    async def newest(self) -> tuple[FlowerRun, ...]:
        """The runs, newest first."""
        self.num_listings += 1
        if self.unreachable is not None:
            raise FlowerCommandError(self.unreachable)
        return tuple(reversed(self.runs.values()))

    async def start(self, training: Training) -> str:
        """Starts a run."""
        if self.refusal is not None:
            raise FlowerCommandError(self.refusal)
        run_id = str(len(self.runs) + 1)
        self.runs[run_id] = FlowerRun(run_id, APP, is_live=True)
        self.started_for[run_id] = training
        return run_id

    def end(self, run_id: str, problem: str | None = None) -> None:
        """Ends a run, well or with a problem."""
        self.runs[run_id] = FlowerRun(run_id, APP, is_live=False, problem=problem)
