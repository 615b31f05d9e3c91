"""Laws of splitting a network into parts."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from model_zoo.backbones.parts import (
    ALL_PARTS,
    Part,
    PartChoice,
    PersonalParts,
    TrainedParts,
    only,
    replaced,
)

_modules = st.sampled_from(["conv1", "lstm", "look", "head", "heads.trinity", "films.third", "conditioner", "other"])
_names = st.builds("{}.{}".format, _modules, st.text("abc.", max_size=4))
_values = st.dictionaries(_names, st.integers(), max_size=20)
_parts = st.frozensets(st.sampled_from(get_args(Part)))


@given(values=_values, parts=_parts)
def test_splitting_and_joining_is_the_identity(values: dict[str, int], parts: frozenset[Part]) -> None:
    inside, outside = only(values, parts), only(values, ALL_PARTS - parts)
    assert not inside.keys() & outside.keys()
    emptied = dict.fromkeys(values, 0)
    joined = replaced(replaced(emptied, inside), outside)
    assert list(joined.items()) == list(values.items())


@given(trained=st.sampled_from(get_args(TrainedParts)), personal=st.sampled_from(get_args(PersonalParts)))
def test_what_is_summed_and_what_is_personal_make_up_what_is_trained(trained: str, personal: str) -> None:
    try:
        choice = PartChoice(trained, personal)
    except ValueError:
        assert trained == personal == "film-and-heads"
        return
    assert choice.summed | choice.personal == choice.trained
    assert not choice.summed & choice.personal
