"""`create_app`: the only place where the parts are wired together."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator
from typing import NoReturn

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from app import __version__, content, logs
from app.core.errors import GreenroomError, InvalidContent
from app.core.grader import Grader
from app.grading.llm.choice import Choices
from app.grading.llm.desk import LLMDesk
from app.grading_queue import GradingQueue
from app.practice import Practice, now
from app.settings import Settings, from_environment
from app.store.store import Store
from app.web import errors, history, questions, reports, rounds, second, settings_page, start
from app.web.parts import Parts
from app.web.security import Doors
from app.web.templates import STATIC

SWEEP_SECONDS = 20
"""How often rounds whose clock ran out unseen are closed, and answers left ungraded are queued."""

HEAD_START = 0.5
"""Seconds before the grader loads: its imports hold the interpreter, and the first page would wait for them."""

_log = logging.getLogger(__name__)


def create_app(settings: Settings, grader: Grader | None = None) -> FastAPI:
    """The application. `grader` replaces the one that the settings name; else that one loads in the background.

    Raises InvalidContent when the question bank or the rubrics have problems.
    """
    found = content.load(settings.content_dir)
    store = Store(settings.database_path)
    queue = GradingQueue((lambda: grader) if grader is not None else (lambda: _load_after_first_page(settings, found)))
    desk = LLMDesk(Choices(settings), store.book, found.scale, now)
    practice = Practice(
        store, found.questions, found.rubrics, queue, desk=desk, answer_max_chars=settings.answer_max_chars
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        practice.open()
        sweeping = asyncio.create_task(_sweep(practice))
        try:
            yield
        finally:
            sweeping.cancel()
            await run_in_threadpool(practice.close)
            desk.close()
            store.close()

    app = FastAPI(
        title="Greenroom", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.state.parts = Parts(practice, store, found.scale, desk)
    # Each character may take four bytes, and each byte three once it is encoded for a form.
    app.add_middleware(
        Doors, allowed_hosts=settings.allowed_hosts, body_max_bytes=12 * settings.answer_max_chars + 10_000
    )
    errors.register(app)
    for module in (start, history, reports, rounds, questions, second, settings_page):
        app.include_router(module.router)
    app.mount("/static", _Static(directory=STATIC), name="static")
    return app


def load_grader(settings: Settings, found: content.Content) -> Grader:
    """The grader that the settings name. Slow: it imports the model library and loads a model."""
    from app.grading.embedding import load_embedding_grader

    return load_embedding_grader(settings, found.known)


def _load_after_first_page(settings: Settings, found: content.Content) -> Grader:
    time.sleep(HEAD_START)
    return load_grader(settings, found)


def run() -> None:
    """Serve until interrupted; says the address once it answers. Exits with 2 and the reason when it can't start."""
    try:
        settings = from_environment()
        logs.configure(settings.log_level, as_json=settings.log_json)
        listening = _listen(settings.host, settings.port)
        app = create_app(settings)
    except InvalidContent as error:
        _stop(f"{error}\nMend these files, then start again. `python -m app check` lists them too.")
    except GreenroomError as error:
        _stop(str(error))
    gc.freeze()
    gc.enable()  # the command line turns it off while it imports
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn shuts down in order, then raises the signal again
        signal.signal(number, lambda *_: sys.exit(0))
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False)
    _Server(config).run([listening])


def _listen(host: str, port: int) -> socket.socket:
    """A listening socket: bound before anything slow, so that a port in use is said at once."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        taken, reason = error.errno == errno.EADDRINUSE, (error.strerror or str(error)).partition(" (")[0]
        advice = " Is Greenroom running already? GREENROOM_PORT=0 takes any free port." if taken else ""
        raise GreenroomError(f"Can't listen on {host}, port {port}: {reason}.{advice}") from None


def _stop(reason: str) -> NoReturn:
    print(reason, file=sys.stderr)
    raise SystemExit(2)


class _Server(uvicorn.Server):
    """Prints the address once the socket listens; with port 0 the system chose it."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers[:1] if self.started else ():
            host, port = server.sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            print(f"Greenroom is at http://{shown}:{port} (stop it with Ctrl+C)", flush=True)


async def _sweep(practice: Practice) -> None:
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        try:
            await run_in_threadpool(practice.sweep)
        except Exception as error:  # the next sweep may do better; nothing is lost by this one
            _log.error("the sweep broke off: %s", logs.frames(error))


class _Static(StaticFiles):
    """Static files; an address with a content mark may be kept for a year."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        marked = b"v=" in scope.get("query_string", b"")
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if marked else "no-cache"
        return response
