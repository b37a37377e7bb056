"""Each guard of the product, removed: the simulation must notice."""

from itertools import count, islice

import pytest

from .mutations import MUTATIONS, RELEVANT
from .place import Place
from .run import play
from .scenario import draw

MOST_RUNS = 400
"""Within so many runs that can notice, from seed 0."""


@pytest.mark.parametrize("name", MUTATIONS)
def test_simulation_with_a_guard_removed_goes_red(place: Place, name: str) -> None:
    relevant = RELEVANT.get(name)
    seeds = (seed for seed in count() if relevant is None or relevant(draw(seed)))
    with MUTATIONS[name]():
        if any(play(seed, place).broken for seed in islice(seeds, MOST_RUNS)):
            return
    pytest.fail(f"{name}: no run of {MOST_RUNS} noticed")


def test_mutations_are_undone_afterwards(place: Place) -> None:
    for mutation in MUTATIONS.values():
        with mutation():
            pass
    assert not play(0, place).broken


def test_mutations_name_at_least_ten_guards() -> None:
    assert len(MUTATIONS) >= 10
    assert all(mutation.__doc__ for mutation in MUTATIONS.values())
