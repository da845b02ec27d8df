"""From the queue: check providers' health, and set one minute bucket for each."""

from providers.entrypoints import queue_worker
from providers.usecases.probe import probe_messages

handler = queue_worker(probe_messages)
