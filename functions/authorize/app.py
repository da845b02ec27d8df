"""Authorizer: maps a management key to its organization, scopes and rate limit."""

from providers.entrypoints import authorizer

handler = authorizer()
