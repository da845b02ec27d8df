"""The decorators and factories that turn a function's code into its Lambda handler, over the ports of this process."""

from __future__ import annotations

from functools import partial

from providers.bootstrap import ports
from providers.edge.authorizer import authorizer as _authorizer
from providers.edge.background import queue_worker as _queue_worker
from providers.edge.background import scheduled as _scheduled
from providers.edge.endpoint import endpoint as _endpoint
from providers.edge.open_endpoint import open_endpoint as _open_endpoint

endpoint = partial(_endpoint, ports)
"""`@endpoint(operations.…, reply=…, body=…)`: see `providers.edge.endpoint`."""

open_endpoint = partial(_open_endpoint, ports)
"""`@open_endpoint(form=…)`: see `providers.edge.open_endpoint`."""

authorizer = partial(_authorizer, ports)
"""`authorizer()` is the Lambda handler of the authorizer: see `providers.edge.authorizer`."""

scheduled = partial(_scheduled, ports)
"""`scheduled(work)` is the handler of a schedule: see `providers.edge.background`."""

queue_worker = partial(_queue_worker, ports)
"""`queue_worker(work)` is the handler of a queue: see `providers.edge.background`."""
