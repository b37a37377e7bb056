from collections.abc import Iterator

import pytest

from .place import Place, a_place


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with a_place() as made:
        yield made
