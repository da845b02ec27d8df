"""Authorizer: which organization and scopes a management key stands for, and what is left of its minute."""

from providers.bootstrap import authorizer

handler = authorizer()
