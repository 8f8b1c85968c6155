"""Who may ask what: hosts, origins, the token, limits, and headers of responses.

A page of another site can make the browser send requests here. Those are told from the
studio's own by the headers that no page can change: Host (a foreign name that resolves
to this machine: DNS rebinding), Origin and Sec-Fetch-Site.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from artist_nst.web.photos import MAX_BYTES

SESSION = "artist_nst_session"
PUBLIC = ("/static/", "/s/", "/token")  # without a token: surveys are for everybody
MAX_JSON_BYTES = 64 << 10
MAX_ZIP_BYTES = 2 << 30
RATE, BURST = 200.0, 2000  # requests a second of one address, and at once
TRY_COST = 100  # of a token that may be wrong, in requests
MAX_ADDRESSES = 10_000

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine as only it can name it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_public(path: str) -> bool:
    """Tell whether a path of the studio needs no token."""
    return path.startswith(PUBLIC)


class Guard:
    """Middleware that lets only rightful requests through.

    Args:
        app: What it guards.
        host: The address that the server is bound to.
        token: That must be known; empty if the server is only for this machine.
        is_public: Tells which paths need no token.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        token: str,
        is_public: Callable[[str], bool] = is_public,
    ) -> None:
        self.app = app
        self.host = host
        self.token = token
        self.is_public = is_public
        self._sessions: set[str] = set()
        self._budgets: dict[str, tuple[float, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        refusal = self._check(scope)
        if refusal is not None:
            await refusal(scope, receive, _add_headers(scope, send))
            return
        scope["headers"] = [_drop_escapes(*header) for header in scope["headers"]]
        limited = _limit_body(receive, _get_limit(scope))
        await self.app(scope, limited, _add_headers(scope, send))

    def open_session(self, token: str) -> str | None:
        """Return the secret of a new session, None if the token is wrong."""
        if not self._is_token(token):
            return None
        secret = secrets.token_urlsafe(32)
        if len(self._sessions) >= MAX_ADDRESSES:
            self._sessions.clear()
        self._sessions.add(secret)
        return secret

    def _is_token(self, text: str) -> bool:
        # A form may hold lone surrogates.
        given = text.encode(errors="surrogatepass")
        return hmac.compare_digest(given, self.token.encode())

    def _check(self, scope: Scope) -> Response | None:
        """Return what to answer to a request that is refused."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._is_own_host(host):
            return _refuse(403, "this address is not the studio's")
        if not _is_own_site(headers, host, scope["method"]):
            return _refuse(403, "requests of other sites are refused")
        # Only then: another site must not use up a visitor's budget.
        is_try = scope["method"] == "POST" and scope["path"] == "/token"
        if not self._spend(scope, TRY_COST if is_try else 1):
            return _refuse(429, "too many requests: wait a moment")
        if "transfer-encoding" in headers and "content-length" in headers:
            return _refuse(400, "it has two lengths")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > _get_limit(scope):
            return _refuse(413, "it is too large")
        if self.token and not self._is_allowed(scope["path"], headers):
            if "authorization" in headers:
                self._spend(scope, TRY_COST)
            if scope["method"] == "GET" and not scope["path"].startswith("/api"):
                return RedirectResponse("/token", 303)
            return _refuse(401, "a token is needed: Authorization: Bearer TOKEN")
        return None

    def _is_own_host(self, header: str) -> bool:
        """Tell whether a Host header names this server, not a foreign name for it."""
        try:
            parts = urlsplit(f"//{header}")
        except ValueError:
            return False
        host = parts.hostname or ""
        if parts.netloc != header or "@" in header:
            return False
        if is_loopback(host) or host == self.host.strip("[]"):
            return True
        if is_loopback(self.host):
            return False
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host.removesuffix(".local") == socket.gethostname().lower()
        return True

    def _is_allowed(self, path: str, headers: Headers) -> bool:
        if self.is_public(path):
            return True
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._is_token(token)
        # Not SimpleCookie, which reads none if one of another server here is odd.
        cookies = headers.get("cookie", "").split(";")
        pairs = (cookie.strip().partition("=") for cookie in cookies)
        return any(
            name == SESSION and value in self._sessions for name, _, value in pairs
        )

    def _spend(self, scope: Scope, cost: int = 1) -> bool:
        """Take requests from an address's budget, which fills with time."""
        address = (scope.get("client") or ("",))[0]
        now = time.monotonic()
        if len(self._budgets) > MAX_ADDRESSES:
            self._budgets.clear()
        left, then = self._budgets.get(address, (BURST, now))
        left = min(BURST, left + (now - then) * RATE) - cost
        self._budgets[address] = max(left, 0), now
        return left >= 0


def _is_own_site(headers: Headers, host: str, method: str) -> bool:
    """Tell whether a request comes from the studio's page, or from no page at all."""
    origin = headers.get("origin")
    if origin not in (None, f"http://{host}", f"https://{host}"):
        return False
    site = headers.get("sec-fetch-site", "none")
    if site in ("same-origin", "none"):
        return True
    # A link on another site may lead here, but nothing else.
    return method == "GET" and headers.get("sec-fetch-mode") == "navigate"


def _get_limit(scope: Scope) -> int:
    """Return how many bytes a request's body may have."""
    if scope["path"] in ("/api/photos", "/api/masks"):
        return MAX_BYTES + MAX_JSON_BYTES
    return MAX_ZIP_BYTES if scope["path"] == "/api/artists" else MAX_JSON_BYTES


def _drop_escapes(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Drop cookies with a backslash, which old Pythons take seconds to read."""
    if name == b"cookie":
        value = b";".join(part for part in value.split(b";") if b"\\" not in part)
    return name, value


def _limit_body(receive: Receive, limit: int) -> Receive:
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(413, "it is too large")
        return message

    return receive_limited


def _add_headers(scope: Scope, send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if not scope["path"].startswith("/static/"):
                headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return send_with_headers


def _refuse(status: int, reason: str) -> Response:
    return JSONResponse({"error": reason}, status)
