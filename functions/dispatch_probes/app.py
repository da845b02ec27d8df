"""Every minute: queue the providers that are due for a probe, and publish the events in the outbox."""

from providers.entrypoints import scheduled
from providers.usecases.sweep import run_minute

handler = scheduled(run_minute)
