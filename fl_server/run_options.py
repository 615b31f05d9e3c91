"""Options of one training run, as they are given to ``flwr run APP --run-config '...'``."""

from pathlib import Path
from typing import Self

import pydantic

from fl_server.noise_options import NoiseOptions
from fl_server.part_options import PartOptions
from fl_server.robust_update import RobustName
from fl_server.rounds.round_state import USUAL_PATIENCE, Patience
from fl_server.rounds.server_optimizer import StrategyName
from model_zoo.architecture import USUAL_NUM_STEPS, NumSteps


class RunOptions(NoiseOptions, PartOptions):
    """Options of one training run."""

    num_rounds: int = pydantic.Field(default=3, alias="num-rounds", ge=1, le=10_000, description="Rounds to train.")
    num_steps: int = pydantic.Field(
        default=16, alias="num-steps", ge=1, le=100_000, description="Local training steps of a site in a round."
    )
    seed: int = pydantic.Field(default=0, ge=0, lt=2**31, description="Seed of all random choices.")
    min_sites: int = pydantic.Field(
        default=2, alias="min-sites", ge=1, le=100_000, description="Sites to wait for, and the quorum of a round."
    )
    deadline_s: float = pydantic.Field(
        default=600.0, alias="deadline-s", gt=0, le=86_400, description="Longest wait for sites, and for one exchange."
    )
    straggler_share: float = pydantic.Field(
        default=USUAL_PATIENCE.straggler_share,
        alias="straggler-share",
        ge=0,
        le=1000,
        description="Once the quorum has answered, the others get this share of the time it took,",
    )
    straggler_floor_s: float = pydantic.Field(
        default=USUAL_PATIENCE.straggler_floor_s,
        alias="straggler-floor-s",
        ge=0,
        le=86_400,
        description="and no less than so many seconds.",
    )
    retries: int = pydantic.Field(
        default=10, ge=0, le=1_000_000, description="Failed rounds in a row that are tried again before the run ends."
    )
    training: str = pydantic.Field(
        default="",
        pattern=r"^([0-9a-f]{32})?$",
        description="The wanted training that this run works on; empty: one of its own, of num-rounds rounds.",
    )
    is_conditioned: bool = pydantic.Field(
        default=True, alias="conditioned", description="Whether the network sees the context."
    )
    tubelet_steps: NumSteps = pydantic.Field(
        default=USUAL_NUM_STEPS,
        alias="tubelet-steps",
        description="Last steps of a tubelet that the network looks at: 8, 12 or 16; other than 12 starts from random.",
    )
    strategy: StrategyName = pydantic.Field(
        default="fedavgm", description="What the server does with the mean update: fedavg, fedavgm, fedadam, fedyogi."
    )
    server_lr: float = pydantic.Field(
        default=0.0, alias="server-lr", ge=0, le=100, description="Rate of the server's step; 0: the strategy's usual."
    )
    proximal_mu: float = pydantic.Field(
        default=0.0,
        alias="proximal-mu",
        ge=0,
        le=1000,
        description="Pull of local training towards the global parameters (FedProx); 0: none.",
    )
    robust: RobustName = pydantic.Field(
        default="none",
        description="A rule that a few bad sites cannot bend: krum, multikrum, bulyan, trimmed-mean, median. It looks "
        "at every update, so it gives up masks: with a roster it is an error.",
    )
    num_malicious: int = pydantic.Field(
        default=0, alias="num-malicious", ge=0, le=10_000, description="Bad sites that the robust rule has to stand."
    )
    initial: str = pydantic.Field(
        default="default",
        max_length=4096,
        description="Where to start before the first round is committed: default (the shipped model) or random.",
    )
    restart: bool = pydantic.Field(
        default=False, description="Begin again from initial although rounds are committed; their numbers go on."
    )
    roster: Path | None = pydantic.Field(
        default=None,
        description="Signed roster, with which rounds are secure: this coordinator sees sums alone. Left out or empty: "
        "rounds are plain, and whoever runs the coordinator can read one site's update.",
    )
    operator_key: Path | None = pydantic.Field(
        default=None, alias="operator-key", description="Public key that the roster is signed with, raw hexadecimal."
    )
    state_folder: Path = pydantic.Field(
        default=Path("state"), alias="state", description="Folder of the coordinator's files."
    )
    database: str | None = pydantic.Field(
        default=None, description="Database of the coordinator; left out or empty: the SQLite file in the state folder."
    )

    @pydantic.model_validator(mode="after")
    def _check_masks(self) -> Self:
        if self.roster and self.robust != "none":
            raise ValueError(
                f"robust: {self.robust} looks at single updates, which a roster masks: leave one of them out"
            )
        if self.target_epsilon and not self.roster:
            raise ValueError(
                f"target-epsilon: {self.target_epsilon:g} is promised of masked sums alone: expected a roster"
            )
        if self.robust not in {"none", "median"} and not self.num_malicious:
            raise ValueError(f"num-malicious: expected 1 or more with {self.robust}: against none it is no use")
        return self

    @pydantic.field_validator("roster", "operator_key", mode="before")
    @classmethod
    def _check_empty(cls, path: object) -> object:
        """Flower's run configuration knows no null."""
        return None if path == "" else path

    @property
    def patience(self) -> Patience:
        """With stragglers."""
        return Patience(self.straggler_share, self.straggler_floor_s)
