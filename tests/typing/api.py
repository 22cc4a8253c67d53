"""Type checkers must accept the correct uses of the public API and reject the wrong ones. Nothing here is run."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from email.message import Message

import pulumi

import pulumi_truto as truto

config = pulumi.Config()
url: pulumi.Output[str] = config.require_secret("targetUrl")


def declare(value: Awaitable[str], names: list[str], members: Sequence[truto.EventType]) -> None:
    """Every argument can be a plain value, an output or an awaitable. Event types can be strings or enum members."""
    truto.Webhook("a", "https://hooks.example.com/truto")
    truto.Webhook("b", target_url=url, event_types=None, is_active=None)
    truto.Webhook("c", target_url=value, event_types=names, is_active=pulumi.Output.from_input(True))
    truto.Webhook("d", target_url=url, event_types=members)
    truto.Webhook("e", target_url=url, event_types=("record:created", "unknown:*"))
    truto.Webhook("f", target_url=url, event_types=["record:created", truto.EventType.RECORD_UPDATED, url, value])
    truto.Webhook("g", target_url=url, event_types=pulumi.Output.from_input(names))


staging = truto.Provider("staging", api_token=config.require_secret("stagingToken"), base_url=config.get("stagingUrl"))
defaults = truto.Provider("defaults")
hook = truto.Webhook(
    "orders",
    target_url=url,
    opts=pulumi.ResourceOptions(provider=staging, replacement_trigger="1"),
)
unmanaged: truto.Webhook = truto.Webhook.get("unmanaged", hook.id, opts=pulumi.ResourceOptions(provider=staging))

resource: pulumi.CustomResource = hook
provider: pulumi.ProviderResource = staging

id_: pulumi.Output[str] = hook.id
target_url: pulumi.Output[str] = hook.target_url
event_types: pulumi.Output[list[str]] = hook.event_types
is_active: pulumi.Output[bool] = hook.is_active
secret: pulumi.Output[str | None] = hook.secret
environment_id: pulumi.Output[str] = hook.environment_id
created_at: pulumi.Output[str] = hook.created_at
updated_at: pulumi.Output[str] = hook.updated_at

known_secret: pulumi.Output[str] = hook.require_secret()
test = truto.WebhookTest("test", hook.id, triggers=[hook.target_url, 1, None], retry_for_seconds=60)
tested_at: pulumi.Output[str] = test.tested_at
secrets = truto.SigningSecrets("secrets", hook.secret, overlap_hours=0.5)
secrets = truto.SigningSecrets("secrets", current=known_secret)
accepted: pulumi.Output[list[str]] = secrets.accepted
rotated_at: pulumi.Output[str] = secrets.rotated_at
truto.signature.verify(b"body", None, ["one", "other"])
truto.signature.verify(b"body", {"x-truto-signature": "v=0"}, "one")
truto.signature.verify(b"body", Message(), "one")
truto.signature.verify(b"body", [(b"x-truto-signature", b"v=0")], "one")

found: truto.WebhookInfo = truto.get_webhook("an-id", api_token="t", base_url=config.get("otherUrl"))
found_list = truto.get_webhooks(is_active=True, target_url=found.target_url, event_type=truto.EventType.RECORD_ANY)
found_ids: list[str] = [webhook.id for webhook in found_list]

event: str = truto.EventType.RECORD_CREATED
version: str = truto.__version__

truto.Webhook("wrong", target_url=1)  # type: ignore[arg-type]
truto.Webhook("wrong", target_url=None)  # type: ignore[arg-type]
truto.Webhook("wrong", target_url=url, event_types=[1])  # type: ignore[list-item]
truto.Webhook("wrong", target_url=url, event_types=1)  # type: ignore[arg-type]
truto.Webhook("wrong", target_url=url, is_active="yes")  # type: ignore[arg-type]
truto.Webhook("wrong", target_url=url, opts=staging)  # type: ignore[arg-type]
truto.Webhook("wrong", target_url=url, secret="s")  # type: ignore[call-arg]
truto.Webhook("wrong")  # type: ignore[call-arg]
truto.SigningSecrets("wrong", hook)  # type: ignore[arg-type]
truto.WebhookTest("wrong", 1)  # type: ignore[arg-type]
truto.WebhookTest("wrong", hook.id, retry_for_seconds="1")  # type: ignore[arg-type]
truto.Webhook.get("wrong", 1)  # type: ignore[arg-type]
truto.get_webhook(1)  # type: ignore[call-overload]
truto.get_webhooks(event_type=1)  # type: ignore[call-overload]
truto.signature.verify(b"body", 1, "one")  # type: ignore[arg-type]
found.secret  # type: ignore[attr-defined]  # noqa: B018
truto.Provider("wrong", api_token=1)  # type: ignore[arg-type]
truto.Provider("wrong", token="t")  # type: ignore[call-arg]
no_bytes: pulumi.Output[bytes] = hook.secret  # type: ignore[assignment]
hook.signing_secret  # type: ignore[attr-defined]  # noqa: B018
truto.Webhok  # type: ignore[attr-defined]  # noqa: B018
