"""Operators' actions on management keys and data keys, invoked with IAM instead of a management key."""

from providers.bootstrap import ports
from providers.edge.operate import operator

handler = operator(ports)
