"""Writes the file with which `pulumi import --file` brings existing webhooks into a stack, with their secrets.

Importing from it makes no API call: inputs, outputs and secrets are in the file (CLI 3.254 and later, pulumi#23984).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from pulumi_truto.api.models import Webhook
from pulumi_truto.config import Settings
from pulumi_truto.plugin.tokens import DYNAMIC_WEBHOOK, WEBHOOK, ProviderKind
from pulumi_truto.webhook import inputs as rules
from pulumi_truto.webhook.properties import STATE, to_camel

__all__ = ["build", "names_for", "python_program"]

#: How Pulumi marks a secret in any JSON of its own (its sdk/go/common/resource/sig).
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret, not one
_LONGEST_NAME: Final = 60


@dataclass(frozen=True)
class ImportFile:
    """The file and what there is to say of it.

    Attributes:
        document: what ``pulumi import --file`` takes.
        without_secret: the ids of the webhooks whose secret is not known.
    """

    document: dict[str, Any]
    without_secret: list[str]


def names_for(webhooks: Sequence[Webhook], chosen: Mapping[str, str]) -> dict[str, str]:
    """A resource name for each webhook's id: the chosen one, or a readable one out of its URL.

    The same webhooks have the same names in every run: of several with one URL, the oldest has the plain name and the
    others the beginning of their id behind it.

    Raises:
        ValueError: two webhooks would have the same name.
    """
    names: dict[str, str] = {}
    for webhook in sorted(webhooks, key=lambda each: (each.created_at_text or "", each.id)):
        name = chosen.get(webhook.id) or _readable(webhook.target_url)
        if name in names.values() and webhook.id not in chosen:
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
        webhooks: what to import.
        names: a resource name for each id.
        secrets: the secrets that are known, by id.
        kind: which provider will manage them.
        settings: the settings that they were read with.
    """
    resources = []
    for webhook in webhooks:
        known = {"secret": secrets.get(webhook.id), rules.FINGERPRINT: settings.fingerprint(webhook.id)}
        state = rules.keep(webhook, known)
        inputs = {name: state[name] for name in rules.INPUTS}
        outputs = {name: state[name] for name in STATE if name in state}
        outputs["secret"] = _secret(state["secret"]) if state["secret"] else None
        resources.append(
            {
                "type": WEBHOOK if kind == "native" else DYNAMIC_WEBHOOK,
                "name": names[webhook.id],
                "id": webhook.id,
                "inputs": _properties(inputs, kind),
                "outputs": _properties(outputs, kind),
            }
        )
    return ImportFile({"resources": resources}, [each.id for each in webhooks if not secrets.get(each.id)])


def python_program(webhooks: Sequence[Webhook], names: Mapping[str, str]) -> str:
    """The Python code that declares these webhooks as they are."""
    blocks = ["import pulumi_truto as truto"]
    for webhook in webhooks:
        inputs, name = rules.inputs_of(webhook), names[webhook.id]
        arguments = [f"    {json.dumps(name)},", f"    target_url={_literal(inputs['target_url'])},"]
        if inputs["event_types"]:
            arguments.append(f"    event_types=[{', '.join(_literal(each) for each in inputs['event_types'])}],")
        if not inputs["is_active"]:
            arguments.append("    is_active=False,")
        variable = re.sub(r"\W", "_", name, flags=re.ASCII)
        variable = variable if variable.isidentifier() else f"webhook_{variable}"
        blocks.append("\n".join([f"{variable} = truto.Webhook(", *arguments, ")"]))
    return "\n\n".join(blocks) + "\n"


def _properties(properties: Mapping[str, Any], kind: ProviderKind) -> dict[str, Any]:
    if kind == "native":
        return to_camel(properties)
    from pulumi.dynamic.dynamic import serialize_provider

    from pulumi_truto.dynamic import WebhookProvider

    return {**properties, "__provider": serialize_provider(WebhookProvider())}


def _secret(value: str) -> dict[str, str]:
    return {_SIGNATURE: _SECRET, "plaintext": json.dumps(value)}


def _readable(url: str) -> str:
    """A name out of a URL's host and path, as ``hooks-example-com-truto``."""
    parts = urlsplit(url)
    slug = re.sub(r"[^a-z0-9]+", "-", f"{parts.hostname or ''}{parts.path}".lower()).strip("-")
    return slug[:_LONGEST_NAME].strip("-") or "webhook"


def _literal(text: str) -> str:
    return json.dumps(text)  # a Python literal as well
