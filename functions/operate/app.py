"""Invoked by operators' commands, with IAM instead of a management key: management keys and data keys."""

from providers.bootstrap import ports
from providers.edge.operate import operator

handler = operator(ports)
