"""InfoNCE and Trinity-style alignment, against slow transcriptions of their formulas."""

import itertools
import math

import numpy as np
import pytest
import torch

from model_zoo.heads.tubelet_view import TubeletView, ViewShape
from model_zoo.pretraining.info_nce import TEMPERATURE, info_nce
from model_zoo.pretraining.trinity import Trinity

SHAPE = ViewShape(num_areas=4, area_channels=3, look_size=6, num_motion=5, condition_size=7)
NO_PICTURES = torch.zeros(0)


def drawn_view(num_tubelets: int, seed: int = 0) -> TubeletView:
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(num_tubelets, *shape, generator=generator)

    return TubeletView(
        areas=drawn(6, SHAPE.area_channels, SHAPE.num_areas),
        looks=drawn(6, SHAPE.look_size),
        motion=drawn(6, SHAPE.num_motion),
        condition=drawn(SHAPE.condition_size),
    )


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return float(first @ second / math.sqrt((first @ first) * (second @ second)))


def slow_info_nce(first: np.ndarray, second: np.ndarray) -> float:
    """Equation 4 of van den Oord et al., once from each side: -log of the partner's share among all."""
    total = 0.0
    for row in range(len(first)):
        own = math.exp(cosine(first[row], second[row]) / TEMPERATURE)
        from_first = sum(math.exp(cosine(first[row], other) / TEMPERATURE) for other in second)
        from_second = sum(math.exp(cosine(other, second[row]) / TEMPERATURE) for other in first)
        total += -math.log(own / from_first) / 2 - math.log(own / from_second) / 2
    return total / len(first)


def test_info_nce_is_its_formula() -> None:
    first, second = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(1))
    assert info_nce(first, second).item() == pytest.approx(slow_info_nce(first.numpy(), second.numpy()), rel=1e-5)


def test_info_nce_of_several_batches_is_their_mean() -> None:
    first, second = torch.randn(2, 3, 5, 8, generator=torch.Generator().manual_seed(2))
    each = [info_nce(*pair).item() for pair in zip(first, second, strict=True)]
    assert info_nce(first, second).item() == pytest.approx(np.mean(each), rel=1e-5)


def test_info_nce_knows_nothing_where_all_are_alike_and_is_low_where_partners_match() -> None:
    alike = torch.ones(7, 4)
    assert info_nce(alike, alike).item() == pytest.approx(math.log(7))
    apart = torch.eye(7)
    assert info_nce(apart, apart).item() < 0.1 < info_nce(apart, apart.roll(1, dims=0)).item()


def slow_embeddings(trinity: Trinity, view: TubeletView, area: int | None) -> list[np.ndarray]:
    """Context, appearance and motion of each tubelet: as a whole, or in one area."""

    def pooled(steps: torch.Tensor) -> torch.Tensor:
        mean = torch.stack(list(steps)).mean(dim=0)
        return torch.cat([mean, torch.stack([(step - mean).abs() for step in steps]).mean(dim=0)])

    rows: list[list[torch.Tensor]] = []
    for condition, looks, areas, motion in zip(view.condition, view.looks, view.areas, view.motion, strict=True):
        if area is None:
            rows.append(
                [
                    trinity.context(condition),
                    trinity.appearance(pooled(looks)),
                    trinity.motion(pooled(motion)),
                ]
            )
            continue
        place = torch.zeros(SHAPE.num_areas)
        place[area] = 1.0
        rows.append(
            [
                trinity.area_context(torch.cat([condition, place])),
                trinity.area_appearance(torch.cat([pooled(areas[:, :, area]), place])),
                trinity.area_motion(torch.cat([pooled(motion), place])),
            ]
        )
    return [torch.stack(column).detach().numpy() for column in zip(*rows, strict=True)]


def test_alignment_is_info_nce_of_every_pair_as_a_whole_and_by_area() -> None:
    torch.manual_seed(3)
    trinity, view = Trinity(SHAPE), drawn_view(4)
    expected = sum(slow_info_nce(*pair) for pair in itertools.combinations(slow_embeddings(trinity, view, None), 2))
    for area in range(SHAPE.num_areas):
        pairs = itertools.combinations(slow_embeddings(trinity, view, area), 2)
        expected += sum(slow_info_nce(*pair) for pair in pairs) / SHAPE.num_areas
    assert trinity.loss(view, NO_PICTURES).item() == pytest.approx(expected / 6, rel=1e-4)


def test_misalignment_is_one_minus_the_cosine_of_every_pair() -> None:
    torch.manual_seed(4)
    trinity, view = Trinity(SHAPE), drawn_view(3)
    scores = trinity.scores(view).detach().numpy()
    whole = slow_embeddings(trinity, view, None)
    areas = [slow_embeddings(trinity, view, area) for area in range(SHAPE.num_areas)]
    for row in range(3):
        expected = [1 - cosine(a[row], b[row]) for a, b in itertools.combinations(whole, 2)]
        by_area = [[1 - cosine(a[row], b[row]) for a, b in itertools.combinations(area, 2)] for area in areas]
        np.testing.assert_allclose(scores[row], [*expected, *np.mean(by_area, axis=0)], atol=1e-5)


def test_alignment_learns_which_parts_belong_together() -> None:
    torch.manual_seed(5)
    trinity, view = Trinity(SHAPE), drawn_view(16)
    optimizer = torch.optim.Adam(trinity.parameters(), lr=5e-3)
    for _ in range(60):
        optimizer.zero_grad()
        trinity.loss(view, NO_PICTURES).backward()  # type: ignore[no-untyped-call]  # untyped in torch
        optimizer.step()
    mixed = TubeletView(view.areas, view.looks, view.motion.roll(1, dims=0), view.condition)
    assert trinity.scores(mixed).mean() > trinity.scores(view).mean() + 0.1
