"""Reports errors on standard error, and makes text safe to print."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from typing import Any, Final

import click

from providers_client.errors import ConfigurationError, ConnectionFailed, ProvidersAPIError
from providers_contract import errors

_ADVICE: Final = {
    "missing_api_key": "set PROVIDERS_API_KEY",
    "invalid_api_key": "set PROVIDERS_API_KEY to a key from `providers keys create`",
    "insufficient_scope": "use a key with this scope: `providers keys create --scope …`",
    "provider_in_use": "detach it first: `providers routing put` or `providers routing rm`",
    "base_url_required": "add --base-url",
    "limit_exceeded": "remove unused ones; expired management keys count until they are revoked",
    "connection_failed": "check --url or PROVIDERS_API_URL",
    "unexpected_response": "check --url or PROVIDERS_API_URL",
}


def exit_code(error: ProvidersAPIError) -> int:
    """Return the exit code for an error."""
    return 6 if isinstance(error, ConnectionFailed) else errors.exit_code(error.code, error.type)


def report(error: ProvidersAPIError | ConfigurationError, *, as_json: bool) -> None:
    """Print an error on standard error, with its field errors and advice."""
    if as_json:
        click.echo(json_text({"error": _fields(error)}), err=True)
        return
    if isinstance(error, ConfigurationError):
        click.echo(_labelled(plain(str(error))), err=True)
        return
    code = f"({plain(error.code)})"
    text = _labelled(f"{plain(error.message)} {code}")
    click.echo(text.removesuffix(code) + click.style(code, dim=True), err=True)
    details = [f"{each.param or 'body'}: {each.message}" for each in error.errors if len(error.errors) > 1]
    if error.code in _ADVICE:
        details.append(_ADVICE[error.code])
    if error.retry_after:
        details.append(f"try again in {error.retry_after:.0f} s")
    if error.request_id:
        details.append(f"request {error.request_id}")
    for detail in details:
        click.secho(wrapped(f"  {plain(detail)}"), err=True, dim=True)


def wrapped(text: str) -> str:
    """Return a line for standard error, wrapped between words if that is a terminal; links and ids stay whole."""
    if not sys.stderr.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return textwrap.fill(text, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _labelled(text: str) -> str:
    return click.style("Error: ", fg="red", bold=True) + wrapped(f"Error: {text}").removeprefix("Error: ")


def plain(text: str) -> str:
    """Return `text` without control characters, which could control the terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def json_text(found: Any, indent: int | None = None) -> str:
    """Return `found` as JSON; control characters and lone surrogates are escaped."""
    encodings = {(getattr(each, "encoding", None) or "utf-8").lower() for each in (sys.stdout, sys.stderr)}
    if not encodings <= {"utf-8", "utf8"}:
        return json.dumps(found, indent=indent)
    text = json.dumps(found, ensure_ascii=False, indent=indent)
    return "".join(each if each.isprintable() or each == "\n" else json.dumps(each)[1:-1] for each in text)


def _fields(error: ProvidersAPIError | ConfigurationError) -> dict[str, Any]:
    if isinstance(error, ConfigurationError):
        return {"type": "client_error", "code": "configuration", "message": str(error)}
    found: dict[str, Any] = {
        name: getattr(error, name)
        for name in ("type", "code", "message", "resource", "id", "param", "request_id", "reason", "retryable")
    }
    if error.errors:
        found["errors"] = [each.model_dump() for each in error.errors]
    if error.references:
        found["references"] = [each.model_dump() for each in error.references]
    return found
