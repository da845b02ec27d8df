"""Every minute: destroy the key versions whose grace window has ended."""

from providers.entrypoints import scheduled
from providers.usecases.retirement import reap

handler = scheduled(lambda ports, now, _: {"destroyed": reap(ports, now)})
