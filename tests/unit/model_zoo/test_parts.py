"""Parts of the network: every parameter in one of them, and what choices of them leave to be summed."""

import collections

import pytest

from model_zoo.backbones.film_lstm import FilmLstmShape
from model_zoo.backbones.parameters import initial_parameters
from model_zoo.backbones.parts import ALL_PARTS, WHOLE_NETWORK, Part, PartChoice, only, part_of, replaced


def test_every_parameter_of_the_network_belongs_to_one_part() -> None:
    sizes = collections.Counter[str]()
    for name, array in initial_parameters(FilmLstmShape(), 0).items():
        sizes[part_of(name)] += array.size
    assert sizes == {"film": 25_520, "heads": 45_857, "trunk": 235_928}
    assert sum(sizes.values()) == 307_305


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("conv4.weight", "trunk"),
        ("lstm.weight_ih_l0", "trunk"),
        ("look.bias", "trunk"),
        ("head.0.weight", "heads"),
        ("heads.trinity.motion.0.weight", "heads"),
        ("films.third.project.bias", "film"),
        ("camera_embedding.weight", "film"),
        ("conditioner.0.weight", "film"),
        ("header.weight", "trunk"),
    ],
)
def test_part_follows_from_the_module_and_not_from_how_its_name_begins(name: str, part: Part) -> None:
    assert part_of(name) == part


@pytest.mark.parametrize(
    ("trained", "personal", "summed"),
    [
        ("all", "none", {"film", "heads", "trunk"}),
        ("all", "heads", {"film", "trunk"}),
        ("all", "film-and-heads", {"trunk"}),
        ("film-and-heads", "none", {"film", "heads"}),
        ("film-and-heads", "film", {"heads"}),
    ],
)
def test_trained_parts_without_personal_ones_are_summed(trained: str, personal: str, summed: set[Part]) -> None:
    assert PartChoice(trained, personal).summed == summed


@pytest.mark.parametrize(
    ("trained", "personal", "problem"),
    [
        ("half", "none", "expected trained-parts all or film-and-heads, got 'half'"),
        ("all", "all", "expected personal-parts none, heads, film or film-and-heads, got 'all'"),
        (
            "film-and-heads",
            "film-and-heads",
            "trained-parts film-and-heads and personal-parts film-and-heads leave nothing to sum",
        ),
    ],
)
def test_choice_that_makes_no_sense_is_refused(trained: str, personal: str, problem: str) -> None:
    with pytest.raises(ValueError, match="parts") as refusal:
        PartChoice(trained, personal)
    assert str(refusal.value) == problem


def test_choice_left_out_trains_and_sums_everything() -> None:
    assert PartChoice() == WHOLE_NETWORK
    assert WHOLE_NETWORK.trained == WHOLE_NETWORK.summed == ALL_PARTS
    assert WHOLE_NETWORK.personal == frozenset()


def test_replacing_keeps_the_order_and_refuses_what_is_not_there() -> None:
    values = {"conv1.bias": 1, "head.0.bias": 2, "lstm.bias_ih_l0": 3}
    assert list(replaced(values, {"head.0.bias": 5}).items()) == [
        ("conv1.bias", 1),
        ("head.0.bias", 5),
        ("lstm.bias_ih_l0", 3),
    ]
    assert only(values, frozenset({"heads"})) == {"head.0.bias": 2}
    with pytest.raises(ValueError, match=r"expected parameters of the network, got head\.9\.bias"):
        replaced(values, {"head.9.bias": 5})
