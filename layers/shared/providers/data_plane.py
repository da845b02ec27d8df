"""For programs that call the vendors: the only way to read a credential in order to use it.

It needs MAIN_TABLE, SECRETS_TABLE and KMS_KEY_ID in the environment, and the permissions of the stack's
DataPlanePolicy: all outputs of the stack. If the stack allows additional hosts, it also needs the output
AllowedBaseUrlHosts as ALLOWED_BASE_URL_HOSTS: without it, these hosts are refused (`base_url_not_allowed`). A function
takes this module from the stack's layer.
"""

from __future__ import annotations

from providers.bootstrap import ports
from providers.usecases.resolve import Resolved
from providers.usecases.resolve import resolve as _resolve

__all__ = ["Resolved", "resolve"]


def resolve(org: str, provider_id: str, version: int | None = None) -> Resolved:
    """Return the active credential, or that of `version`, which a request that started with it may use until its grace
    ends.

    Raises errors of providers.model.errors: NotFound (`provider_not_found`, `version_not_found`), Conflict
    (`provider_disabled`), Unprocessable (`base_url_not_allowed`), Unavailable; and providers.ports.TamperedCredential.
    """
    return _resolve(ports(), org, provider_id, version)
