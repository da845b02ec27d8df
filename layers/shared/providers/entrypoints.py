"""The decorators and factories that turn a function's code into its Lambda handler, over the ports of this process.

Each is imported when a function first asks for it: the others, and the event loop of the queue's workers, would take a
tenth of a cold start.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from providers.bootstrap import ports

if TYPE_CHECKING:
    from providers.edge.authorizer import authorizer as _authorizer
    from providers.edge.background import queue_worker as _queue_worker
    from providers.edge.background import scheduled as _scheduled
    from providers.edge.endpoint import endpoint as _endpoint
    from providers.edge.open_endpoint import open_endpoint as _open_endpoint

    endpoint = partial(_endpoint, ports)
    open_endpoint = partial(_open_endpoint, ports)
    authorizer = partial(_authorizer, ports)
    scheduled = partial(_scheduled, ports)
    queue_worker = partial(_queue_worker, ports)

_MODULES: Final = {
    "endpoint": "endpoint",
    "open_endpoint": "open_endpoint",
    "authorizer": "authorizer",
    "scheduled": "background",
    "queue_worker": "background",
}


def __getattr__(name: str) -> Any:
    """Return the decorator or factory `name` over the ports of this process."""
    if name not in _MODULES:
        raise AttributeError(name)
    return partial(getattr(import_module(f"providers.edge.{_MODULES[name]}"), name), ports)
