"""Translates the requests of a program into goals, and finds the options that this engine does not support."""

from __future__ import annotations

import re
from typing import Any, Final

from pulumi_truto.property_values import unmarshal, unmarshal_value
from pulumi_truto.testing.engine.goal import Goal
from pulumi_truto.testing.engine.urns import Alias

__all__ = ["goal_of_read", "goal_of_registration", "unsupported_options"]

#: The units of Go's ``time.ParseDuration``, in seconds.
_UNITS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION: Final = re.compile(r"(\d+\.?\d*|\.\d+)(h|ms|m|s|us|µs|ns)")
_DURATIONS: Final = re.compile(f"({_DURATION.pattern})+")
#: The options that name a plugin, which a mock replaces.
_PLUGIN_FIELDS: Final = ("version", "pluginDownloadURL", "packageRef")
#: The options that this engine does not support, by the name of their field in a request.
_UNSUPPORTED_FIELDS: Final = {
    "deletedWith": "deleted_with",
    "replace_with": "replace_with",
    "transforms": "transforms",
    "hooks": "hooks",
    "state_migrations": "state_migrations",
    "envVarMappings": "env_var_mappings",
    "hideDiffs": "hide_diffs",
    "remote": "remote components",
    "version": "version",
    "pluginDownloadURL": "plugin_download_url",
    "packageRef": "packages with parameters",
}


def goal_of_registration(request: Any) -> Goal:
    """Returns the goal of a ``RegisterResourceRequest``."""
    trigger = unmarshal_value(request.replacement_trigger) if request.HasField("replacement_trigger") else None
    return Goal(
        type=request.type,
        name=request.name,
        custom=request.custom,
        inputs=unmarshal(request.object),
        parent=request.parent,
        provider=request.provider,
        providers=dict(request.providers),
        dependencies=list(request.dependencies),
        property_dependencies={name: list(each.urns) for name, each in request.propertyDependencies.items()},
        aliases=[*(Alias(urn=urn) for urn in request.aliasURNs), *(_alias(alias) for alias in request.aliases)],
        ignore_changes=list(request.ignoreChanges),
        replace_on_changes=list(request.replaceOnChanges),
        additional_secret_outputs=list(request.additionalSecretOutputs),
        delete_before_replace=request.deleteBeforeReplace if request.deleteBeforeReplaceDefined else None,
        protect=request.protect if request.HasField("protect") else None,
        retain_on_delete=request.retainOnDelete if request.HasField("retainOnDelete") else None,
        replacement_trigger=trigger,
        custom_timeouts={field.name: _seconds(value) for field, value in request.customTimeouts.ListFields()},
        import_id=request.importId,
    )


def goal_of_read(request: Any) -> Goal:
    """Returns the goal of a ``ReadResourceRequest``."""
    return Goal(
        type=request.type,
        name=request.name,
        custom=True,
        inputs=unmarshal(request.properties),
        parent=request.parent,
        provider=request.provider,
        dependencies=list(request.dependencies),
        additional_secret_outputs=list(request.additionalSecretOutputs),
    )


def unsupported_options(request: Any, *, is_mocked: bool = False) -> list[str]:
    """Returns the options in a request that this engine does not support.

    Args:
        request: the registration or read.
        is_mocked: whether a mock serves the resource, which needs no plugin.
    """
    options = {
        _UNSUPPORTED_FIELDS[field.name]
        for field, value in request.ListFields()
        if _is_unsupported(field, value) and not (is_mocked and field.name in _PLUGIN_FIELDS)
    }
    if request.DESCRIPTOR.fields_by_name.get("customTimeouts"):
        durations = {value for _, value in request.customTimeouts.ListFields()}
        options |= {f"a custom timeout of {each!r}" for each in durations if not _DURATIONS.fullmatch(each)}
    options |= {f"a path in ignore_changes: {path}" for path in _paths(request, "ignoreChanges")}
    options |= {f"a path in replace_on_changes: {path}" for path in _paths(request, "replaceOnChanges") if path != "*"}
    return sorted(options)


def _is_unsupported(field: Any, value: Any) -> bool:
    """Whether a field contains an unsupported option. Programs send some of these messages without content."""
    return field.name in _UNSUPPORTED_FIELDS and not (hasattr(value, "ByteSize") and value.ByteSize() == 0)


def _paths(request: Any, field: str) -> list[str]:
    """Returns the items that are paths instead of names of properties."""
    return [item for item in getattr(request, field, []) if not item.isidentifier()]


def _seconds(duration: str) -> float:
    """The seconds of a duration such as ``1m30s``."""
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(duration))


def _alias(message: Any) -> Alias:
    if message.WhichOneof("alias") == "urn":
        return Alias(urn=message.urn)
    spec = message.spec
    return Alias(
        name=spec.name,
        type=spec.type,
        stack=spec.stack,
        project=spec.project,
        parent=spec.parentUrn,
        no_parent=spec.noParent,
    )
