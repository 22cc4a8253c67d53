"""Builds the file for `pulumi import --file`, which imports existing webhooks with their secrets.

The import makes no API call: inputs, outputs and secrets are in the file (CLI 3.254 and later, pulumi#23984).
"""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from pulumi_truto.api.models import Webhook
from pulumi_truto.config import Settings
from pulumi_truto.plugin.tokens import DYNAMIC_WEBHOOK, WEBHOOK, ProviderKind
from pulumi_truto.property_names import to_camel
from pulumi_truto.property_values import SECRET, SIGNATURE
from pulumi_truto.resource_type import Values
from pulumi_truto.rest.rest_type import FINGERPRINT
from pulumi_truto.rest.state import to_inputs, to_state
from pulumi_truto.webhook.webhook_type import WEBHOOK as WEBHOOK_TYPE

__all__ = ["build", "names_for", "python_program"]

_MAX_NAME_LENGTH: Final = 60


@dataclass(frozen=True)
class ImportFile:
    """The file, and the webhooks without a secret in it.

    Attributes:
        document: the input of ``pulumi import --file``.
        without_secret: the ids of the webhooks whose secret is not known.
    """

    document: dict[str, Any]
    without_secret: list[str]


def names_for(webhooks: Sequence[Webhook], chosen_names: Mapping[str, str]) -> dict[str, str]:
    """A resource name for each webhook's id: the chosen one, or a readable one from its URL.

    The same webhooks get the same names in every run. If several have the same URL, the oldest gets the plain name, and
    the others get the start of their id appended.

    Raises:
        ValueError: two webhooks would have the same name.
    """
    names: dict[str, str] = {}
    for webhook in sorted(webhooks, key=lambda webhook: (webhook.created_at or "", webhook.id)):
        name = chosen_names.get(webhook.id) or _readable(webhook.target_url)
        if name in names.values() and webhook.id not in chosen_names:
            name = f"{name}-{webhook.id[:8]}"
        if name in names.values():
            raise ValueError(
                f"two webhooks would be called {name!r}: choose another name with --name {webhook.id}=NAME"
            )
        names[webhook.id] = name
    return names


def build(
    webhooks: Sequence[Webhook],
    names: Mapping[str, str],
    secrets: Mapping[str, str],
    kind: ProviderKind,
    settings: Settings,
) -> ImportFile:
    """The import file for these webhooks.

    Args:
        webhooks: the webhooks to import.
        names: a resource name for each id.
        secrets: the known secrets, by id.
        kind: the provider kind that will manage them.
        settings: the settings with which they were read.
    """
    resources = []
    for webhook in webhooks:
        known: Values = {"secret": secrets.get(webhook.id), FINGERPRINT: settings.fingerprint(webhook.id)}
        state = to_state(WEBHOOK_TYPE, webhook, known)
        outputs = {**state, "secret": _secret(state["secret"]) if state["secret"] else None}
        resources.append(
            {
                "type": WEBHOOK if kind == "native" else DYNAMIC_WEBHOOK,
                "name": names[webhook.id],
                "id": webhook.id,
                "inputs": _properties(WEBHOOK_TYPE.pick_inputs(state), kind),
                "outputs": _properties(outputs, kind),
            }
        )
    return ImportFile({"resources": resources}, [webhook.id for webhook in webhooks if not secrets.get(webhook.id)])


def python_program(webhooks: Sequence[Webhook], names: Mapping[str, str]) -> str:
    """The Python code that declares these webhooks as they are."""
    blocks = ["import pulumi_truto as truto"]
    for webhook in webhooks:
        inputs, name = to_inputs(WEBHOOK_TYPE, webhook), names[webhook.id]
        arguments = [f"    {_literal(name)},", f"    target_url={_literal(inputs['target_url'])},"]
        if inputs["event_types"]:
            arguments.append(
                f"    event_types=[{', '.join(_literal(event_type) for event_type in inputs['event_types'])}],"
            )
        if not inputs["is_active"]:
            arguments.append("    is_active=False,")
        variable = re.sub(r"\W", "_", name, flags=re.ASCII)
        if not variable.isidentifier() or variable in (*keyword.kwlist, "truto"):
            variable = f"webhook_{variable}"
        blocks.append("\n".join([f"{variable} = truto.Webhook(", *arguments, ")"]))
    return "\n\n".join(blocks) + "\n"


def _properties(properties: Mapping[str, Any], kind: ProviderKind) -> dict[str, Any]:
    if kind == "native":
        return to_camel(properties)
    from pulumi.dynamic.dynamic import serialize_provider

    from pulumi_truto.dynamic import WebhookProvider

    return {**properties, "__provider": serialize_provider(WebhookProvider())}


def _secret(value: str) -> dict[str, str]:
    return {SIGNATURE: SECRET, "plaintext": json.dumps(value)}


def _readable(url: str) -> str:
    """A name from a URL's host and path, such as ``hooks-example-com-truto``."""
    try:
        parts = urlsplit(url)
    except ValueError:  # a host that is not valid
        return "webhook"
    slug = re.sub(r"[^a-z0-9]+", "-", f"{parts.hostname or ''}{parts.path}".lower()).strip("-")
    return slug[:_MAX_NAME_LENGTH].strip("-") or "webhook"


def _literal(text: str) -> str:
    """The string in Python, with double quotes if that needs no escape."""
    literal = repr(text)
    return literal if '"' in literal else f'"{literal[1:-1]}"'
