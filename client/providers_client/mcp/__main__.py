"""`providers-mcp` and `python -m providers_client.mcp`: the MCP server over stdio."""

import sys


def main() -> None:
    """Run the server until its client closes the connection. Exits with 2 if the server cannot start."""
    try:
        from providers_client.mcp import stdio  # late: without the extra, say how to install it
    except ModuleNotFoundError as error:
        if error.name not in ("mcp", "mcp_types"):
            raise
        sys.stderr.write("The MCP server needs an extra: pip install 'providers-client[mcp]'\n")
        sys.exit(2)
    stdio.main()


if __name__ == "__main__":
    main()
