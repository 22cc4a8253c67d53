"""Requests as curl, Node.js and Truto's own SDKs send them."""

from __future__ import annotations

import asyncio
import json
import shutil
from typing import Any

import aiohttp
import pytest

from pulumi_truto.sandbox import Sandbox
from tests.support.commands import run
from tests.support.sandbox_client import CREATE_BODY, assert_created, exchange_bytes


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl(sandbox: Sandbox) -> None:
    """The curl command of Truto's guide creates a webhook."""
    command = [
        str(shutil.which("curl")), "--silent", "--show-error", "--fail", "--noproxy", "*",
        "--location", f"{sandbox.base_url}/webhook",
        "--header", "Content-Type: application/json",
        "--header", f"Authorization: Bearer {sandbox.token}",
        "--data", json.dumps(CREATE_BODY),
    ]  # fmt: skip
    completed = run(*command, seconds=60)
    assert_created(json.loads(completed.stdout), sandbox)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_node_fetch(sandbox: Sandbox) -> None:
    """Node's fetch creates a webhook with the request of Truto's TypeScript SDK."""
    script = """
        const [base, token, body] = process.argv.slice(1);
        const headers = {"Content-Type": "application/json", Accept: "application/json",
                         "User-Agent": "truto-ts-sdk/1.0.0", Authorization: `Bearer ${token}`};
        fetch(`${base}/webhook?`, {method: "POST", headers, body})
            .then((response) => response.text()).then((text) => console.log(text));
    """
    body = json.dumps({**CREATE_BODY, "environment_id": sandbox.environment_id})
    command = [str(shutil.which("node")), "-e", script, sandbox.base_url, sandbox.token, body]
    completed = run(*command, seconds=60)
    assert_created(json.loads(completed.stdout), sandbox)
    assert sandbox.calls[0].path == "/webhook"


def test_typescript_sdk(sandbox: Sandbox) -> None:
    """The TypeScript SDK's `POST /webhook?`, byte for byte with its empty query, creates a webhook."""
    body = json.dumps({**CREATE_BODY, "environment_id": sandbox.environment_id}).encode()
    head = (
        f"POST /webhook? HTTP/1.1\r\nHost: x\r\nUser-Agent: truto-ts-sdk/1.2.3\r\nConnection: close\r\n"
        f"Authorization: Bearer {sandbox.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    response = exchange_bytes(sandbox, head.encode() + body)
    assert response.startswith(b"HTTP/1.1 200 ")
    assert_created(json.loads(response.partition(b"\r\n\r\n")[2]), sandbox)


def test_python_sdk(sandbox: Sandbox) -> None:
    """The Python SDK's request, by aiohttp with an empty query, creates a webhook."""

    async def post() -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {sandbox.token}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{sandbox.base_url}/webhook?", json=CREATE_BODY) as response,
        ):
            assert response.status == 200
            webhook: dict[str, Any] = await response.json()
            return webhook

    assert_created(asyncio.run(post()), sandbox)
