"""Servers that answer as the APIs of language models do, with what a test scripted: nothing leaves this machine."""

import itertools
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import attrs
from aiohttp import web

__all__ = ["FakeModel", "serve_model"]

Turn = str | Sequence[tuple[str, str]]
"""What a model says in one turn: a text, or calls of tools, each a name and the text of its arguments."""


@attrs.define
class FakeModel:
    """A model that says what was scripted."""

    base_url: str
    """The address of its API, for `base_url=` of the clients of OpenAI and Anthropic."""
    _turns: Iterator[Turn]
    requests: list[dict[str, Any]] = attrs.field(factory=list[dict[str, Any]])
    """The requests that it got."""
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    async def responses(self, request: web.Request) -> web.Response:
        """Answer as OpenAI's Responses API."""
        output: list[dict[str, Any]] = []
        for one in await self._next(request):
            if isinstance(one, str):
                content: list[dict[str, Any]] = [{"type": "output_text", "text": one, "annotations": []}]
                output.append(
                    {"type": "message", "id": "msg", "role": "assistant", "status": "completed", "content": content}
                )
            else:
                call_id = f"call_{next(self._numbers)}"
                output.append({"type": "function_call", "call_id": call_id, "name": one[0], "arguments": one[1]})
        return web.json_response(
            {
                "id": "resp",
                "object": "response",
                "created_at": 0,
                "model": "fake",
                "status": "completed",
                "output": output,
                "parallel_tool_calls": True,
                "tool_choice": "auto",
                "tools": self.requests[-1].get("tools", []),
            }
        )

    async def chat_completions(self, request: web.Request) -> web.Response:
        """Answer as OpenAI's Chat Completions API."""
        message: dict[str, Any] = {"role": "assistant", "content": None}
        for one in await self._next(request):
            if isinstance(one, str):
                message["content"] = one
            else:
                call = {"name": one[0], "arguments": one[1]}
                message.setdefault("tool_calls", []).append(
                    {"id": f"call_{next(self._numbers)}", "type": "function", "function": call}
                )
        reason = "tool_calls" if "tool_calls" in message else "stop"
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return web.json_response(
            {"id": "chat", "object": "chat.completion", "created": 0, "model": "fake", "choices": [choice]}
        )

    async def messages(self, request: web.Request) -> web.Response:
        """Answer as Anthropic's Messages API."""
        content: list[dict[str, Any]] = []
        for one in await self._next(request):
            if isinstance(one, str):
                content.append({"type": "text", "text": one})
            else:
                number = next(self._numbers)
                content.append(
                    {"type": "tool_use", "id": f"toolu_{number}", "name": one[0], "input": json.loads(one[1])}
                )
        return web.json_response(
            {
                "id": "msg",
                "type": "message",
                "role": "assistant",
                "model": "fake",
                "content": content,
                "stop_reason": "end_turn" if content[-1]["type"] == "text" else "tool_use",
                "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1},
            }
        )

    async def _next(self, request: web.Request) -> Sequence[str | tuple[str, str]]:
        self.requests.append(await request.json())
        turn = next(self._turns)
        return [turn] if isinstance(turn, str) else turn


@asynccontextmanager
async def serve_model(*turns: Turn) -> AsyncGenerator[FakeModel]:
    """Serve a model that says this, turn by turn, to the clients of OpenAI and Anthropic."""
    model = FakeModel("", iter(turns))
    app = web.Application()
    app.router.add_post("/responses", model.responses)
    app.router.add_post("/chat/completions", model.chat_completions)
    app.router.add_post("/v1/messages", model.messages)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    model.base_url = site.name
    try:
        yield model
    finally:
        await runner.cleanup()
