"""Each guard of the product, removed: the simulation must notice."""

import pytest

from .chunk import elsewhere
from .mutations import MUTATIONS
from .place import Place
from .run import play
from .wire_mutations import WIRE_MUTATIONS


@pytest.mark.parametrize("name", MUTATIONS)
def test_simulation_with_a_guard_removed_goes_red(name: str) -> None:
    assert elsewhere("model", name) is not None, "no run noticed"


@pytest.mark.parametrize("name", WIRE_MUTATIONS)
def test_wire_with_a_guard_removed_goes_red(name: str) -> None:
    assert elsewhere("wire", name) is not None, "no run noticed"


def test_mutations_are_undone_afterwards(place: Place) -> None:
    for mutation in (*MUTATIONS.values(), *WIRE_MUTATIONS.values()):
        with mutation():
            pass
    assert not play(0, place).broken
    assert not play(0, place, tier="wire").broken


def test_mutations_name_at_least_ten_guards() -> None:
    assert len(MUTATIONS) >= 10
    assert all(mutation.__doc__ for mutation in MUTATIONS.values())
