"""Each minute: queue the providers whose health is due to be checked."""

from providers.bootstrap import scheduled
from providers.usecases.sweep import dispatch

handler = scheduled(dispatch, counts="due")
