"""The MCP server over the tools, for one caller; the transports are in `http` and `stdio`."""

from __future__ import annotations

import json
import logging
from functools import cache
from typing import Any, Final

import anyio.to_thread
from mcp.server.caching import CacheHint
from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)
from mcp_types import Tool as ListedTool
from pydantic import BaseModel
from stamina.instrumentation import set_on_retry_hooks

from providers_client.errors import ConfigurationError, ProvidersAPIError
from providers_client.mcp.results import Failure, ToolError, failure, input_schema, output_schema, sentences
from providers_client.mcp.tool import Caller, Tool
from providers_client.mcp.tools import INSTRUCTIONS, TOOLS
from providers_client.mcp.undo import UNDO_TOOLS
from providers_client.version import VERSION

set_on_retry_hooks(())  # a hook could write to standard output, where the protocol goes

_FRESH: Final = CacheHint(ttl_ms=3_600_000, scope="public")
"""The tools are the same for every caller, and change only with the server's version: an hour after a deployment,
every client knows the new ones. Revisions before 2026-07-28 have no such hint."""

logger = logging.getLogger(__name__)


def make_server(caller: Caller, *, undo: bool = False) -> Server[Any]:
    """Return a server whose tools act as `caller`; with `undo`, it also has the tools that undo changes."""
    tools = offered(undo)

    async def list_tools(_: Any, __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=list(listed(undo)))

    async def call_tool(_: Any, params: CallToolRequestParams) -> CallToolResult:
        tool = tools.get(params.name)
        if tool is None:
            raise MCPError(code=INVALID_PARAMS, message=f"no such tool; the tools are {', '.join(tools)}")
        try:
            # In a thread, because the client blocks. A cancelled call is not waited for, and runs to its end.
            result = await anyio.to_thread.run_sync(tool.call, caller, params.arguments or {}, abandon_on_cancel=True)
        except (ProvidersAPIError, ConfigurationError) as error:
            return refused(failure(error))
        except Exception:  # the edge: the caller gets a tool error for every exception, and the log no secret
            logger.exception("a tool failed unexpectedly")
            problem = ToolError(
                code="internal_error", message="something went wrong in the MCP server; its log says where"
            )
            return refused(Failure(error=problem))
        return success(result)

    return Server(
        "providers",
        title="Providers API",
        version=VERSION,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        cache_hints={"tools/list": _FRESH, "server/discover": _FRESH},
        get_tool_input_schema=lambda name: next(
            (each.input_schema for each in listed(undo) if each.name == name), None
        ),
    )


def success(result: BaseModel) -> CallToolResult:
    """Return a tool's result, structured, and as JSON text for clients without structured content."""
    content = result.model_dump(mode="json")
    return CallToolResult(content=[_text(_json(content))], structured_content=content)


def refused(problem: Failure) -> CallToolResult:
    """Return a tool's failure."""
    content = problem.model_dump(mode="json", exclude_none=True)
    return CallToolResult(content=[_text(sentences(problem.error))], structured_content=content, is_error=True)


def offered(undo: bool) -> dict[str, Tool[Any]]:
    """Return a server's tools by name."""
    return TOOLS | UNDO_TOOLS if undo else TOOLS


@cache
def listed(undo: bool = False) -> tuple[ListedTool, ...]:
    """Return the tools as clients list them."""
    return tuple(
        ListedTool(
            name=tool.name,
            title=tool.title,
            description=tool.description,
            input_schema=input_schema(tool.takes),
            output_schema=output_schema(tool.results),
            annotations=tool.annotations,
        )
        for tool in offered(undo).values()
    )


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
