"""The MCP server: the provider tools, over stdio (`python -m providers_client.mcp`) and over HTTP.

Each tool is one call of the client, with the caller's own management key.
"""
