"""Operators' actions on management keys, data keys and webhooks, invoked with IAM instead of a management key."""

from providers.bootstrap import ports
from providers.edge.operate import operator

handler = operator(ports)
