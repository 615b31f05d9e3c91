"""Next-frame prediction, Deep SVDD and MULDE, against slow transcriptions of their formulas."""

import numpy as np
import pytest
import torch
from torch.nn.functional import layer_norm

from model_zoo.heads.deep_svdd import DeepSvdd
from model_zoo.heads.mulde import PENALTY, SCALES, Mulde
from model_zoo.heads.next_frame import PICTURE_SIDE, NextFrame
from model_zoo.heads.registry import HEADS
from tests.unit.model_zoo.test_alignment import NO_PICTURES, SHAPE, drawn_view

NUM_TUBELETS, NUM_READ = 3, 6


def pictures() -> torch.Tensor:
    return torch.randn(NUM_TUBELETS, NUM_READ, PICTURE_SIDE**2, generator=torch.Generator().manual_seed(9))


def test_next_frame_draws_what_is_there_and_what_comes_next() -> None:
    torch.manual_seed(0)
    head, view, seen = NextFrame(SHAPE), drawn_view(NUM_TUBELETS), pictures()
    now, following = [], []
    for looks, frames in zip(view.looks, seen, strict=True):
        for step in range(NUM_READ):
            now.append((head.draw(looks[step]) - frames[step]).square().mean().item())
            if step + 1 < NUM_READ:
                predicted = looks[step] + head.predict(looks[step])
                following.append((head.draw(predicted) - frames[step + 1]).square().mean().item())
    assert head.loss(view, seen).item() == pytest.approx((np.mean(now) + np.mean(following)) / 2, rel=1e-5)


def test_next_frame_scores_by_how_far_the_looks_came_from_their_predictions() -> None:
    torch.manual_seed(1)
    head, view = NextFrame(SHAPE), drawn_view(NUM_TUBELETS)
    for looks, score in zip(view.looks, head.scores(view), strict=True):
        errors = [
            (looks[step] + head.predict(looks[step]) - looks[step + 1]).square().mean().item()
            for step in range(NUM_READ - 1)
        ]
        assert score.item() == pytest.approx(np.mean(errors), rel=1e-5)


def test_deep_svdd_is_the_squared_distance_to_the_centre_and_reads_looks_only() -> None:
    torch.manual_seed(2)
    head, view = DeepSvdd(SHAPE), drawn_view(NUM_TUBELETS)
    view.looks.requires_grad_()
    expected = []
    for looks in view.looks:
        mean = sum(looks) / len(looks)
        even = (mean - mean.mean()) / (mean.var(unbiased=False) + 1e-5).sqrt()
        hidden = (head.map[0].weight @ even).clamp(min=0)
        expected.append((head.map[2].weight @ hidden - 1.0).square().sum().item())
    np.testing.assert_allclose(head.scores(view)[:, 0].detach(), expected, rtol=1e-4)
    loss = head.loss(view, NO_PICTURES)
    assert loss.item() == pytest.approx(np.mean(expected), rel=1e-4)
    loss.backward()  # type: ignore[no-untyped-call]  # untyped in torch
    assert view.looks.grad is None


def test_mulde_compares_the_gradient_of_the_energy_with_the_noise() -> None:
    torch.manual_seed(3)
    head = Mulde(SHAPE).double()
    clean, noise = torch.randn(2, NUM_TUBELETS, SHAPE.look_size, dtype=torch.float64)
    scale = torch.tensor([[0.2], [0.5], [0.9]], dtype=torch.float64)
    expected, step = 0.0, 1e-6
    for row in range(NUM_TUBELETS):
        at, one = clean[row] + scale[row] * noise[row], scale[row : row + 1]
        for column in range(SHAPE.look_size):
            push = torch.zeros_like(at)
            push[column] = step
            slope = (head.energy_of((at + push)[None], one) - head.energy_of((at - push)[None], one)) / (2 * step)
            expected += (scale[row] * slope - noise[row, column]).square().item()
        expected += PENALTY * head.energy_of(clean[row : row + 1], one).square().item()
    assert head.matching_loss(clean, scale, noise).item() == pytest.approx(expected / NUM_TUBELETS, rel=1e-5)


def test_mulde_scores_at_every_scale() -> None:
    torch.manual_seed(4)
    head, view = Mulde(SHAPE), drawn_view(NUM_TUBELETS)
    mean = layer_norm(view.looks.mean(dim=1), (SHAPE.look_size,))
    expected = [[head.energy_of(row[None], torch.tensor([[scale]])).item() for scale in SCALES] for row in mean]
    np.testing.assert_allclose(head.scores(view).detach(), expected, rtol=1e-5, atol=1e-6)


def test_mulde_finds_what_it_has_never_seen_less_dense() -> None:
    torch.manual_seed(5)
    head = Mulde(SHAPE)
    optimizer = torch.optim.Adam(head.parameters(), lr=5e-3)
    usual = torch.tensor([3.0, -3.0, 0.0, 0.0, 0.0, 0.0]) + 0.1 * torch.randn(64, SHAPE.look_size)
    clean = layer_norm(usual, (SHAPE.look_size,))
    for _ in range(150):
        optimizer.zero_grad()
        head.matching_loss(clean, torch.full((64, 1), 0.5), torch.randn_like(clean)).backward()  # type: ignore[no-untyped-call]  # untyped in torch
        optimizer.step()
    other = layer_norm(torch.tensor([[0.0, 0.0, 0.0, 0.0, 3.0, -3.0]]), (SHAPE.look_size,))
    scale = torch.full((1, 1), 0.5)
    assert head.energy_of(other, scale).item() > head.energy_of(clean[:1], scale).item() + 1.0


def test_every_head_gives_finite_scores_of_every_tubelet() -> None:
    for head_type in HEADS.values():
        scores = head_type(SHAPE).scores(drawn_view(NUM_TUBELETS))
        assert len(scores) == NUM_TUBELETS
        assert torch.isfinite(scores).all()
