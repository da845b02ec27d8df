"""`providers-mcp` and `python -m providers_client.mcp`: the MCP server over stdio."""

import os
import sys
from importlib.util import find_spec

from providers_client.errors import ConfigurationError


def main() -> None:
    """Run the server until its client closes the connection. Exits with 2 if the server cannot start.

    Reads PROVIDERS_API_URL, PROVIDERS_API_KEY and PROVIDERS_MCP_TOOLS before it imports the protocol's library, which
    takes a second.
    """
    if any(find_spec(name) is None for name in ("mcp", "mcp_types")):  # mcp 1 has no mcp_types
        sys.stderr.write("The MCP server needs an extra: pip install 'providers-client[mcp]'\n")
        sys.exit(2)
    from providers_client.mcp import settings
    from providers_client.sending import from_environment
    from providers_client.sync import Client

    try:
        undo = settings.undo_is_wanted(settings.TOOLS_VARIABLE, os.environ.get(settings.TOOLS_VARIABLE))
        client = Client(*from_environment(os.environ), timeout=settings.TIMEOUT_S, backoff=settings.BACKOFF)
    except ConfigurationError as error:
        sys.stderr.write(f"providers-mcp: {error}\n")
        sys.exit(2)
    from providers_client.mcp import stdio

    stdio.serve(client, undo=undo)


if __name__ == "__main__":
    main()
