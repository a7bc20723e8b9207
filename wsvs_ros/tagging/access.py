"""Who may talk to the server: the browser that was given the address, and pages of this server only."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = (
    "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Access:
    """
    A token that opens the page once and is exchanged for a cookie; then a new one is told.

    :param port: of the server on 127.0.0.1.
    :param tell: called with each address that opens the page.
    """

    def __init__(self, port: int, tell: Callable[[str], None]) -> None:
        self.hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self.cookie = f"wsvs_tag_{port}"  # cookies do not tell ports apart
        self.secret = secrets.token_urlsafe(32)
        self.port = port
        self._tell = tell
        self._token = secrets.token_urlsafe(24)
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """Opens the page, once."""
        return f"http://127.0.0.1:{self.port}/?token={self._token}"

    def redeem(self, token: str) -> bool:
        """Whether the token is the current one, which is then used up."""
        with self._lock:
            if not hmac.compare_digest(token.encode(), self._token.encode()):
                return False
            self._token = secrets.token_urlsafe(24)
        self._tell(self.address)
        return True

    def knows(self, headers: Headers) -> bool:
        """Whether a request bears the cookie."""
        given = cookie_parser(headers.get("cookie", "")).get(self.cookie, "")
        return hmac.compare_digest(given.encode(), self.secret.encode())


class Guard:
    """
    ASGI middleware: refuses foreign hosts and origins and whoever has no cookie, and sets the browser's rules.

    Only `/` with a token is let in without a cookie.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse a request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await PlainTextResponse(refusal + "\n", 403)(scope, receive, send)
            return

        async def send_with_rules(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [
                    (b"content-security-policy", _POLICY.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                    (b"cross-origin-resource-policy", b"same-origin"),
                ]
                if not any(name == b"cache-control" for name, _ in message["headers"]):
                    message["headers"].append((b"cache-control", b"no-store"))
            await send(message)

        await self._app(scope, receive, send_with_rules)

    def _refusal(self, scope: Scope) -> str | None:
        headers, port = Headers(scope=scope), self._access.port
        if headers.get("host") not in self._access.hosts:
            return (
                f"not a host of this server, which is 127.0.0.1:{port}; a tunnel has to lead from the same port: "
                f"ssh -N -L {port}:127.0.0.1:{port} HOST"
            )
        origin = headers.get("origin")
        own = {f"http://{host}" for host in self._access.hosts}
        if origin not in own and (origin is not None or scope["method"] not in ("GET", "HEAD")):
            return "not a page of this server"
        if self._access.knows(headers) or (scope["path"] == "/" and b"token=" in scope["query_string"]):
            return None
        return "open the address that `wsvs tag` printed last; each opens the page once"
