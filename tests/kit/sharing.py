"""What all tests of a process share: botocore's files, names of events, certificates, and a faster moto."""

import functools
import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import botocore.session
import botocore.useragent
import httpcore2
import moto.core.models
import pytest
from botocore.hooks import EventAliaser
from moto.core.config import default_user_config

from local.faster_moto import speed_up_moto


@contextmanager
def shared() -> Iterator[None]:
    """Share all of it until the block ends."""
    with pytest.MonkeyPatch.context() as patch:
        _share_botocores_files(patch)
        _share_certificates(patch)
        speed_up_moto()
        yield


def _share_botocores_files(patch: pytest.MonkeyPatch) -> None:
    """Share a loader of botocore's files and boto3's session; every mock_aws would make its own.

    moto intercepts botocore's requests without its patterns of URLs, which are for other HTTP libraries.
    """
    patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
    patch.setitem(default_user_config["core"], "reset_boto3_session", False)
    patch.setattr(moto.core.models, "RESPONSES_METHODS", [])
    patch.setattr(EventAliaser, "_alias_event_name", _aliased)
    sanitize = botocore.useragent.sanitize_user_agent_string_component  # at each call, for each word
    patch.setattr(botocore.useragent, sanitize.__name__, functools.cache(sanitize))


_alias: Any = vars(EventAliaser)["_alias_event_name"]
_ALIASES: dict[str, str] = {}


def _aliased(self: Any, name: str) -> str:
    """Return the name by which botocore knows an event; the emitter of each client would find it by itself."""
    if name not in _ALIASES:
        _ALIASES[name] = _alias(self, name)
    return _ALIASES[name]


def _share_certificates(patch: pytest.MonkeyPatch) -> None:
    """Share the TLS contexts of the HTTP libraries; every client would load all certificate authorities."""
    load = functools.cache(lambda _trust_env, *_: _load(_trust_env=_trust_env))
    _load = httpcore2.default_ssl_context

    def context(*, _trust_env: bool = True) -> Any:
        return load(_trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))

    patch.setattr(httpcore2, "default_ssl_context", context)
    patch.setattr(ssl, "create_default_context", _from_file_once(ssl.create_default_context))


def _from_file_once(make: Callable[..., ssl.SSLContext]) -> Callable[..., ssl.SSLContext]:
    """Return `make`, which makes only one context from each file of authorities, as the vendors' SDKs ask for."""
    made = functools.cache(make)

    def context(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        alone = not args and "cafile" in kwargs and kwargs.keys() <= {"cafile", "capath"}
        return (made if alone else make)(*args, **kwargs)

    return context
