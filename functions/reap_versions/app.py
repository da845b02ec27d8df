"""Each minute: destroy the key versions whose grace window has ended."""

from providers.bootstrap import scheduled
from providers.usecases.reap import reap

handler = scheduled(reap, counts="destroyed")
