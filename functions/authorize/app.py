"""Authorizer: which organization and scopes a management key stands for, and what is left of its minute."""

from providers.entrypoints import authorizer

handler = authorizer()
