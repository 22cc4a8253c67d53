"""Builds the file for `pulumi import --file`, which imports existing resources, and webhooks with their secrets.

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

from pulumi_truto.cli.environment import Existing
from pulumi_truto.config import Settings
from pulumi_truto.plugin.tokens import ProviderKind
from pulumi_truto.property_values import SECRET, SIGNATURE
from pulumi_truto.resource_type import ResourceType, Values
from pulumi_truto.rest.rest_type import FINGERPRINT
from pulumi_truto.rest.state import to_state

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


def names_for(items: Sequence[Existing], chosen_names: Mapping[str, str]) -> dict[str, str]:
    """A resource name for each id: the chosen one, or a readable one from the URL of a webhook.

    The same items get the same names in every run. If several would have the same name, the oldest gets it, and the
    others get the start of their id appended.

    Raises:
        ValueError: two items would have the same name.
    """
    names: dict[str, str] = {}
    for existing in sorted(items, key=lambda existing: (existing.item.created_at or "", existing.id)):
        name = chosen_names.get(existing.id) or _readable(existing)
        if name in names.values() and existing.id not in chosen_names:
            name = f"{name}-{existing.id[:8]}"
        if name in names.values():
            raise ValueError(
                f"two resources would be called {name!r}: choose another one with --name {existing.id}=NAME"
            )
        names[existing.id] = name
    return names


def build(
    items: Sequence[Existing],
    names: Mapping[str, str],
    secrets: Mapping[str, str],
    kind: ProviderKind,
    settings: Settings,
) -> ImportFile:
    """The import file for these items.

    Args:
        items: the items to import.
        names: a resource name for each id.
        secrets: the known secrets of webhooks, by id.
        kind: the provider kind that will manage them.
        settings: the settings with which they were read.
    """
    resources, without_secret = [], []
    for existing in items:
        type_ = existing.kind
        known: Values = {"secret": secrets.get(existing.id), FINGERPRINT: settings.fingerprint(existing.id)}
        state = to_state(type_, existing.item, known)
        if "secret" in state and not state["secret"]:
            without_secret.append(existing.id)
        resources.append(
            {
                "type": type_.token if kind == "native" else type_.dynamic_token,
                "name": names[existing.id],
                "id": existing.id,
                "inputs": _properties(type_, type_.pick_inputs(state), kind),
                "outputs": _properties(type_, state, kind),
            }
        )
    return ImportFile({"resources": resources}, without_secret)


def python_program(items: Sequence[Existing], names: Mapping[str, str]) -> str:
    """The Python code that declares these items as they are. It reads the URLs of Slack from the configuration."""
    blocks = []
    for existing in items:
        name, inputs = names[existing.id], existing.inputs
        arguments = [f"    {_literal(name)},"]
        for property_ in existing.kind.properties:
            if property_.is_input:
                value = inputs[property_.name]
                default = None if property_.default is None else property_.canonical(property_.default)
                if property_.is_required or value != default:
                    arguments.append(f"    {property_.name}={_argument(value, name)},")
        variable = re.sub(r"\W", "_", name, flags=re.ASCII)
        if not variable.isidentifier() or variable in (*keyword.kwlist, "truto", "pulumi"):
            variable = f"{existing.kind.name.lower()}_{variable}"
        blocks.append("\n".join([f"{variable} = truto.{existing.kind.name}(", *arguments, ")"]))
    imports = ["import pulumi\n"] if any("pulumi.Config()" in block for block in blocks) else []
    return "\n\n".join(["\n".join([*imports, "import pulumi_truto as truto"]), *blocks]) + "\n"


def _argument(value: Any, name: str) -> str:
    """A value in Python. The URL of a Slack webhook is a secret, so it must not be in a program."""
    if isinstance(value, str):
        return _literal(value)
    if isinstance(value, list):
        return f"[{', '.join(_argument(element, name) for element in value)}]"
    if not isinstance(value, dict):
        return repr(value)
    parts = {part: _argument(element, name) for part, element in value.items()}
    if "webhook_url" in parts:
        parts["webhook_url"] = f"pulumi.Config().require_secret({_literal(f'{name}-webhook-url')})"
    return f"{{{', '.join(f'{_literal(part)}: {argument}' for part, argument in parts.items())}}}"


def _properties(type_: ResourceType, properties: Values, kind: ProviderKind) -> dict[str, Any]:
    secret_names = {property_.name for property_ in type_.properties if property_.is_secret}
    named = type_.to_plugin(properties) if kind == "native" else properties
    secret_names |= set(type_.to_plugin(dict.fromkeys(secret_names)))
    values = {
        name: _secret(value) if value is not None and name in secret_names else value for name, value in named.items()
    }
    if kind == "native":
        return values
    from pulumi.dynamic.dynamic import serialize_provider

    from pulumi_truto.dynamic import PROVIDERS

    return {**values, "__provider": serialize_provider(PROVIDERS[type_.name]())}


def _secret(value: Any) -> dict[str, str]:
    return {SIGNATURE: SECRET, "plaintext": json.dumps(value)}


def _readable(existing: Existing) -> str:
    """A name such as ``hooks-example-com-truto``, from the host and path of a URL."""
    name = existing.item.display_name
    if "://" in name:
        try:
            parts = urlsplit(name)
            name = f"{parts.hostname or ''}{parts.path}"
        except ValueError:  # a host that is not valid
            name = ""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return slug[:_MAX_NAME_LENGTH].strip("-") or existing.kind.name.lower()


def _literal(text: str) -> str:
    """The string in Python, with double quotes if that needs no escape."""
    literal = repr(text)
    return literal if '"' in literal else f'"{literal[1:-1]}"'
