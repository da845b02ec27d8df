"""Write the metrics of an invocation when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.ports import Ports


@contextmanager
def metrics_written(ports: Callable[[], Ports]) -> Iterator[None]:
    """Write the metrics collected inside when the block ends, also if it raises."""
    try:
        yield
    finally:
        ports().metrics.flush()
