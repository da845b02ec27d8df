"""A credential for a program that calls its vendor, invoked with IAM instead of a management key."""

from providers.bootstrap import ports
from providers.edge.resolver import resolver

handler = resolver(ports)
