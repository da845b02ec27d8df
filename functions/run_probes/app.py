"""From the queue: probe providers, and write one health sample for each."""

from providers.entrypoints import queue_worker
from providers.usecases.probe import probe_messages

handler = queue_worker(probe_messages)
