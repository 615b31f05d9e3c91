"""One seed of the ablation: watch the world, train the variants, score the clips."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Annotated, Literal

import pydantic

from model_zoo.architecture import USUAL_NUM_STEPS, NumSteps
from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.default import DEFAULT_MODEL
from simulation import metrics
from simulation.footage import Clip, SiteFootage, WorldClip, synthetic_fleet
from simulation.pooled_training import PooledSettings, train_pooled
from simulation.site_pool import site_pool
from simulation.site_preparation import prepare_site
from simulation.site_scoring import ScoredClip, score_clips
from simulation.site_scoring import Variant as ScoredBy
from simulation.world import CONTEXT_DEPENDENT_KINDS, emulated_camera
from simulation.world.footage_plan import plan_appearance_clips

Figures = dict[str, float | None]

STATISTICS, FP32, SHIPPED = "statistics", "fp32", "model_zoo/default"


class Variant(pydantic.BaseModel, strict=True, frozen=True, extra="forbid"):
    """What differs from the network that ships."""

    conditioning: Annotated[
        Literal["film", "concatenation", "none"], pydantic.Field(description="how the context comes in")
    ] = "film"
    heads: Annotated[
        list[Literal["next_frame", "trinity", "deep_svdd", "mulde"]],
        pydantic.Field(description="what learns from normal tubelets alone; the last judges"),
    ] = ["next_frame", "trinity"]
    num_steps: Annotated[NumSteps, pydantic.Field(description="steps of a tubelet that are looked at")] = (
        USUAL_NUM_STEPS
    )
    strange_looks: Annotated[bool, pydantic.Field(description="whether some pseudo-anomalies look wrong")] = True
    pretraining_steps: Annotated[int, pydantic.Field(ge=0, description="batches for the heads alone, before")] = 0
    steps: Annotated[int | None, pydantic.Field(ge=1, description="batches, where not those of all")] = None

    @property
    def shape(self) -> FilmLstmShape:
        """The network."""
        return FilmLstmShape(conditioning=self.conditioning, heads=tuple(self.heads), num_steps=self.num_steps)

    def digest(self, num_steps: int) -> str:
        """Names the model of this variant: another name when anything of it changes."""
        facts = self.model_copy(update={"steps": self.steps or num_steps})
        return hashlib.sha256(facts.model_dump_json().encode()).hexdigest()[:16]


class AblationConfig(pydantic.BaseModel, strict=True, frozen=True, extra="forbid"):
    """What is compared on what."""

    cameras: Annotated[int, pydantic.Field(ge=1, le=64, description="sites of one camera each")]
    seeds: Annotated[list[int], pydantic.Field(min_length=1, description="worlds, and starts of training")]
    steps: Annotated[int, pydantic.Field(ge=1, description="batches that a variant trains on")]
    variants: Annotated[
        dict[str, Variant], pydantic.Field(min_length=1, description="by name; the first is what ships")
    ]


@dataclasses.dataclass(frozen=True)
class Seed:
    """The world of one seed in a folder."""

    number: int
    num_cameras: int
    folder: Path

    @property
    def sites(self) -> tuple[SiteFootage, ...]:
        """Footage by site."""
        return synthetic_fleet(self.num_cameras, self.number).sites

    @property
    def state_dirs(self) -> list[Path]:
        """Prepared folders by site."""
        return [self.folder / "sites" / f"{index:04d}" for index in range(self.num_cameras)]

    def appearance(self, index: int) -> tuple[Clip, ...]:
        """Clips of one camera with anomalies that only look wrong, and normal ones beside them."""
        camera = emulated_camera(self.number, index)
        plans = plan_appearance_clips(camera, self.number)
        return tuple(WorldClip(f"appearance {number:02d}", camera, plan) for number, plan in enumerate(plans))


def run_seed(seed: Seed, variants: dict[str, Variant], num_steps: int, num_workers: int) -> dict[str, Figures]:
    """Figures of every variant, of the first in float32, of the model that ships, and of the statistics."""
    sites = seed.sites
    models = {name: seed.folder / f"{variant.digest(num_steps)}.onnx" for name, variant in variants.items()}
    with site_pool(num_workers) as pool:
        prepared = seed.folder / "prepared"
        if not prepared.exists():
            list(pool.map(prepare_site, sites, seed.state_dirs))
            prepared.touch()
        waiting = [
            pool.submit(train_pooled, seed.state_dirs, _settings(seed, variants[name], num_steps), path)
            for name, path in models.items()
            if not path.exists()
        ]
        for future in waiting:
            future.result()
        first = next(iter(models.values()))
        scored_by = (
            *(
                ScoredBy(name, path, is_conditioned=variants[name].conditioning != "none")
                for name, path in models.items()
            ),
            ScoredBy(FP32, first.with_suffix(".fp32.onnx")),
            ScoredBy(SHIPPED, DEFAULT_MODEL),
        )
        clips = [(*site.testing, *seed.appearance(index)) for index, site in enumerate(sites)]
        each = pool.map(score_clips, sites, clips, seed.state_dirs, [scored_by] * len(sites))
        scored = metrics.flattened(each)
    return _figures(scored, [one.name for one in scored_by])


def _settings(seed: Seed, variant: Variant, num_steps: int) -> PooledSettings:
    num_steps = variant.steps or num_steps
    return PooledSettings(num_steps, seed.number, variant.shape, variant.pretraining_steps, variant.strange_looks)


def _figures(scored: list[ScoredClip], names: list[str]) -> dict[str, Figures]:
    appearance = [clip for clip in scored if clip.name.startswith("appearance")]
    testing = [clip for clip in scored if not clip.name.startswith("appearance")]
    dependent = frozenset(kind.value for kind in CONTEXT_DEPENDENT_KINDS)

    def figures(name: str, channel: str) -> Figures:
        return {
            "testing": metrics.frame_auc(testing, name, channel),
            "context": metrics.context_auc(testing, name, channel, dependent),
            "appearance": metrics.frame_auc(appearance, name, channel),
            "alone": metrics.frame_auc(appearance, name, "network" if channel == "fused" else channel),
        }

    return {name: figures(name, "fused") for name in names} | {STATISTICS: figures(names[0], "statistics")}
