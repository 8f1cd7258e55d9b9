"""The doors: which hosts are answered, which writes are refused, and the headers every page carries."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.logs import bind_request
from app.practice import now
from app.web.errors import error_response, unexpected

_log = logging.getLogger("app.access")

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Doors:
    """ASGI middleware: request ids and access lines, Host and cross-site checks, body limit, security headers."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Sequence[str], body_max_bytes: int) -> None:
        self.app = app
        self.allowed_hosts = {host.lower() for host in allowed_hosts}
        self.body_max_bytes = body_max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what must not come in; pass on the rest."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, request_id, answering = time.perf_counter(), secrets.token_hex(8), False
        bind_request(request_id)
        scope.setdefault("state", {})["arrived"] = now()  # the time of an answer, before anything slow

        async def send_with_headers(message: Message) -> None:
            nonlocal answering
            if message["type"] == "http.response.start":
                answering = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].startswith("/static/"):
                    headers.setdefault("cache-control", "no-store")
                headers["x-request-id"] = request_id
                took = round(1000 * (time.perf_counter() - started), 1)
                line = {"method": scope["method"], "path": scope["path"], "status": message["status"], "ms": took}
                _log.info("request", extra=line)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await error_response(Request(scope), *refusal)(scope, receive, send_with_headers)
            return
        try:
            await self.app(scope, receive, send_with_headers)
        except Exception as error:  # ends here: the server would log its message, which may quote an answer
            response = unexpected(Request(scope), error)
            if not answering:
                await response(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        headers = Headers(scope=scope)
        if _hostname(headers.get("host", "")) not in self.allowed_hosts:
            return (
                421,
                "This address is not served here",
                "Open Greenroom at the address it printed when it started. To serve another host name, add it to"
                " GREENROOM_ALLOWED_HOSTS.",
            )
        if scope["method"] in SAFE_METHODS:
            return None
        if _cross_site(headers):
            return (
                403,
                "That came from another site",
                "Greenroom accepts changes only from its own pages. Open the page here and try again.",
            )
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self.body_max_bytes or "transfer-encoding" in headers:
            return (
                413,
                "That is too much text",
                f"A request may have {self.body_max_bytes:,} bytes and must say how many it has. Shorten the text.",
            )
        return None


def _hostname(host: str) -> str:
    """The Host header without its port; IPv6 addresses keep their brackets."""
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _cross_site(headers: Headers) -> bool:
    """Whether a browser says that another site makes this request.

    Every current browser sends Sec-Fetch-Site; older ones send Origin with a write. A client that sends neither is no
    browser and carries nobody's session.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").strip().lower()
