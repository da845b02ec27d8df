"""`python -m providers_client.mcp` serves the tools over stdio."""

from providers_client.mcp.stdio import main

if __name__ == "__main__":
    main()
