"""Each minute: queue the providers whose health is due to be checked, and publish the events that were left over."""

from providers.entrypoints import scheduled
from providers.usecases.sweep import run_minute

handler = scheduled(run_minute)
