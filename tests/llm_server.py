"""A real HTTP server that speaks as much of the OpenAI API as Greenroom uses, and misbehaves when told to."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
import time
from collections import deque
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.llm_behaviours import TRAITS, Behaviour, Exchange, error, normal

ENOUGH = 3
"""Words that a sentence shares with a point to say it."""
NEARLY = 0.8
"""The share of a mistake's words that a sentence has to make it."""
FOLLOW_UP = "You said a little about that already, so what would you do next?"
PLAIN = "A plain reply."

_COMMON = frozenset(
    """
    about after against also been both does each from have into just more must only other over same such than that
    their them then there they this those used very were what when which will with would your
    """.split()  # noqa: SIM905 - a list of a word a line is no easier to read
)
_SECTION = re.compile(r"^Points\n(.*?)^Mistakes\n(.*?)^Anchors of the overall verdict\n", re.S | re.M)
_ENTRY = re.compile(r"^- ([a-z0-9-]+): (.*)$|^  said, for example: (.*)$", re.M)
_FENCED = re.compile(r"<<<ANSWER (\d+) (\w+)>>>[^\n]*\n(.*?)\n<<<END \1 \2>>>", re.S)


def judged(user: str) -> str:
    """A verdict by shared words, the same for the same text."""
    section = _SECTION.search(user)
    assert section, "this is not the judge's prompt"
    said = [
        sentence
        for _, _, text in _FENCED.findall(user)
        for sentence in re.split(r"(?<=[.!?])\s+|\n+", text)
        if sentence.strip()
    ]
    points = {id_: _quote(said, texts, ENOUGH) for id_, texts in _entries(section[1]).items()}
    mistakes = {
        id_: _quote(said, texts, max(1, round(NEARLY * len(_stems(texts[0])))))
        for id_, texts in _entries(section[2]).items()
    }
    reply = {
        "points": {id_: {"quote": one, "verdict": "said" if one else "missing"} for id_, one in points.items()},
        "mistakes": {id_: {"quote": one, "made": bool(one)} for id_, one in mistakes.items()},
        "advice": "Add what is missing first. Next time, give a reason for each step.",
        "verdict": "lean_hire",
    }
    return json.dumps(reply, ensure_ascii=False)


def _entries(section: str) -> dict[str, list[str]]:
    """The texts of each point or mistake: its statement, then its examples."""
    found: dict[str, list[str]] = {}
    for id_, says, example in _ENTRY.findall(section):
        if id_:
            found[id_] = [says]
        else:
            found[list(found)[-1]].append(example)
    return found


def _quote(said: list[str], texts: list[str], enough: int) -> str:
    """The first sentence that shares most words with one of the texts; "" where none shares enough."""
    shared = {one: max(len(_stems(one) & _stems(text)) for text in texts) for one in said}
    best = max(shared, key=shared.__getitem__, default="")
    return best if best and shared[best] >= enough else ""


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"[a-z]{4,}", text.lower()) if word not in _COMMON}


class LLMServer:
    """A server on a port of its own. `requests` and `headers` are what it got, `traits` what it lacks all its life.

    Besides those in TRAITS, "no_usage" keeps it from counting tokens. `lost` counts requests to other addresses.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.lost = 0
        self.traits: set[str] = set()
        self._next: deque[Behaviour] = deque()
        self._over = threading.Event()
        app = Starlette(
            routes=[Route("/v1/chat/completions", self._completions, methods=["POST"])],
            exception_handlers={404: self._unknown},
        )
        config = uvicorn.Config(
            app, host="127.0.0.1", port=0, http="h11", lifespan="off", log_config=None, access_log=False
        )
        config.timeout_graceful_shutdown = 1
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        end = time.monotonic() + 20
        while not self._server.started:
            assert time.monotonic() < end
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        self.address = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"

    def behave(self, *behaviours: Behaviour) -> None:
        """What the next requests get, one each; those after them are answered as they should be."""
        self._next.extend(behaviours)

    def reset(self) -> None:
        """As new: what is under way ends, and nothing is known of it."""
        self._over.set()
        self._over = threading.Event()
        self._next.clear()
        self.requests, self.headers, self.traits, self.lost = [], [], set(), 0

    @property
    def users(self) -> list[str]:
        """The user messages of all requests."""
        return [one["messages"][1]["content"] for one in self.requests]

    def stop(self) -> None:
        self._over.set()
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()

    async def _unknown(self, request: Request, reason: Exception) -> Response:
        self.lost += 1
        return error(404, "There is nothing at this address.")

    async def _completions(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        self.headers.append(dict(request.headers))
        for name, refuses in TRAITS.items():
            if name in self.traits and (reason := refuses(body)):
                return error(400, reason)
        behaviour = self._next.popleft() if self._next else normal
        client = tuple(request.scope["client"])
        counts = "no_usage" not in self.traits
        return behaviour(Exchange(body, _reply(body), counts, self._over, lambda: self._cut(client)))

    def _cut(self, client: tuple[Any, ...]) -> None:
        """Reset the connection of a client."""
        for protocol in self._server.server_state.connections:
            if protocol.client == client:
                protocol.transport.write(b"1000\r\ndata: {")
                line = protocol.transport.get_extra_info("socket")
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                protocol.transport.abort()


def _reply(body: dict[str, Any]) -> str:
    system, user = (one["content"] for one in body["messages"])
    if "follow-up question to put" in system:
        return FOLLOW_UP
    return judged(user) if _SECTION.search(user) else PLAIN
