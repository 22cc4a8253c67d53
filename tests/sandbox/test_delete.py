"""DELETE /webhook/{id}."""

from __future__ import annotations

from pulumi_truto.sandbox import Sandbox
from tests.support.sandbox_client import assert_error, call_api, create_webhook


def test_delete(sandbox: Sandbox) -> None:
    """A deleted webhook is a 404 for read, update, delete and test, and disappears from the list."""
    webhook = create_webhook(sandbox)
    path = f"/webhook/{webhook['id']}"
    response = call_api(sandbox, "DELETE", path)
    assert (response.status_code, response.json()) == (200, {"id": webhook["id"]})
    for method in ("GET", "PATCH", "DELETE"):
        assert_error(call_api(sandbox, method, path), 404, "Not Found", "Webhook not found")
    assert call_api(sandbox, "GET", "/webhook").json()["result"] == []
    assert_error(call_api(sandbox, "POST", "/webhook/test", json={"id": webhook["id"]}), 404)


def test_delete_without_content() -> None:
    """With `delete_response="no_content"`, the form that some SDKs expect, a delete is a 204 without a body."""
    with Sandbox(delete_response="no_content") as sandbox:
        response = call_api(sandbox, "DELETE", f"/webhook/{create_webhook(sandbox)['id']}")
        assert (response.status_code, response.content) == (204, b"")
