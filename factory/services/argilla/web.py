"""What stands between the network and Argilla's app: who may ask, and what a page may load."""

from __future__ import annotations

from typing import Any

_POLICY = b"; ".join(
    [
        b"default-src 'self'",
        b"script-src 'self' 'unsafe-inline' 'unsafe-eval'",  # Nuxt 2 needs both
        b"script-src-attr 'none'",  # it needs no handlers in its HTML, and texts can bring some
        b"style-src 'self' 'unsafe-inline'",
        b"img-src 'self' data: blob:",
        b"font-src 'self' data:",
        b"frame-ancestors 'none'",
    ]
)


class SelfContained:
    """Tell browsers to load nothing from elsewhere: Argilla's pages ask Google for fonts, which tells who reviews."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve an ASGI request, adding headers to its answer."""

        async def send_with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                extra = [
                    (b"content-security-policy", _POLICY),
                    (b"referrer-policy", b"same-origin"),
                    (b"x-content-type-options", b"nosniff"),
                ]
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            await send(message)

        await self._app(scope, receive, send_with_policy)


def guarded(app: Any) -> Any:
    """The app, for requests that name this machine alone (a page elsewhere can't reach it by rebinding its DNS)."""
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    return SelfContained(TrustedHostMiddleware(app, allowed_hosts=["127.0.0.1", "localhost"]))
