"""From the queue: check providers' health, and set one slot for each."""

from providers.entrypoints import queue_worker
from providers.usecases.probe import probe_messages

handler = queue_worker(probe_messages)
