"""An agent with the tools of `sikoia mcp`, through the client of MCP's SDK, without a process."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import attrs
from mcp import Client
from mcp_types import TextContent

from sikoia_async import Sikoia
from sikoia_async.cli.mcp.rules import Rules
from sikoia_async.cli.mcp.server import new_server
from sikoia_async.environments import local
from sikoia_async.sandbox import Sandbox

__all__ = ["Agent", "agent"]


@attrs.define
class Agent:
    """Uses tools, and keeps all that it reads."""

    client: Client
    sikoia: Sikoia
    """The client that the server calls Sikoia with."""
    read: str = ""

    async def use(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Use a tool, which must succeed, and return its JSON."""
        is_error, found = await self._use(tool, arguments)
        assert not is_error, (tool, arguments, found)
        return found

    async def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call an operation, which must succeed."""
        return await self.use("call_operation", operation=operation, arguments=arguments)

    async def fail(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Use a tool, which must fail, and return the JSON that says why."""
        is_error, found = await self._use(tool, arguments)
        assert is_error, (tool, arguments, found)
        return found

    async def refusal(self, operation: str, **arguments: Any) -> str:
        """Call an operation, which must fail, and return the error."""
        failed = await self.fail("call_operation", operation=operation, arguments=arguments)
        return str(failed["error"])

    async def _use(self, tool: str, arguments: dict[str, Any]) -> tuple[bool, dict[str, Any]]:
        result = await self.client.call_tool(tool, arguments)
        (content,) = result.content
        assert isinstance(content, TextContent)
        self.read += content.text
        return result.is_error, json.loads(content.text)


@asynccontextmanager
async def agent(server: Sandbox, **allowed: Any) -> AsyncGenerator[Agent]:
    """Start a server for a local Sikoia with these rules, and connect to it."""
    rules = Rules(**allowed)
    sikoia = Sikoia(
        server.client_id,
        server.client_secret,
        environment=local(server.url),
        tls=server.ca_file,
        max_chargeable=rules.max_chargeable,
    )
    async with sikoia, Client(new_server(sikoia, rules)) as client:
        yield Agent(client, sikoia)
