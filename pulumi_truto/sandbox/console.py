"""The console: the page of the admin API for people. It loads nothing from elsewhere and needs no build step."""

from __future__ import annotations

import json
import secrets
from importlib.resources import files

from aiohttp import web

from pulumi_truto.sandbox.faults import DELIVERY, KINDS, OPERATIONS

__all__ = ["make_response"]


def make_response() -> web.Response:
    """Returns the page. Its content security policy allows only its own script and style, and calls to its sandbox."""
    nonce = secrets.token_urlsafe(16)
    choices = json.dumps({"kind": KINDS, "operation": ("any", *OPERATIONS, DELIVERY)})
    page = files("pulumi_truto.sandbox").joinpath("console.html").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    text = page.replace("{{nonce}}", nonce).replace("{{choices}}", choices)
    return web.Response(text=text, content_type="text/html", headers=headers)
