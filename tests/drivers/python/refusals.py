"""What a test says about a command that must be refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pymongo.errors import OperationFailure


@contextmanager
def refused(code: int, *parts: str) -> Iterator[pytest.ExceptionInfo[OperationFailure]]:
    """The block must fail with this code, and its message must hold every part."""
    with pytest.raises(OperationFailure) as failure:
        yield failure
    assert failure.value.code == code, failure.value
    for part in parts:
        assert part in str(failure.value), f"{part!r} is not in {failure.value}"
