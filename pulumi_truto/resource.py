"""The base class of the resources of a Pulumi program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import pulumi
from pulumi.dynamic import Resource

from pulumi_truto.dynamic import TrutoProvider
from pulumi_truto.property_names import snake_case_path
from pulumi_truto.resource_type import DYNAMIC_PACKAGE, RESOURCE_NAME

__all__ = ["TrutoResource"]


class TrutoResource(Resource):
    """A resource of this package. A class that derives from it is the same resource: Pulumi's SDK would give it another
    type, and the engine would replace the resource.
    """

    _provider_type: ClassVar[type[TrutoProvider]]
    #: The types that it may have in a state: its type with the plugin, and that which the SDK gave to derived classes.
    _other_types: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, provider: type[TrutoProvider] | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if provider is not None:
            cls._provider_type, cls._other_types = provider, (provider.kind.token,)
        elif (former_type := f"{DYNAMIC_PACKAGE}:{cls._resource_type_name}") not in cls._other_types:
            cls._other_types = (*cls._other_types, former_type)
        cls._resource_type_name = cls._provider_type.kind.dynamic_token.removeprefix(f"{DYNAMIC_PACKAGE}:")

    def __init__(
        self, resource_name: str, inputs: Mapping[str, pulumi.Input[Any]], opts: pulumi.ResourceOptions | None
    ) -> None:
        kind = self._provider_type.kind
        own = pulumi.ResourceOptions(
            additional_secret_outputs=[property_.name for property_ in kind.properties if property_.is_secret],
            aliases=[pulumi.Alias(type_=type_) for type_ in self._other_types],
        )
        opts = pulumi.ResourceOptions.merge(opts, own)
        if hidden := getattr(opts, "hide_diffs", None):  # in newer SDKs, which do not translate it
            opts.hide_diffs = [self.translate_input_property(path) for path in hidden]
        # Outputs must be declared here, or they would not become attributes.
        properties = {**inputs, **dict.fromkeys(kind.outputs), RESOURCE_NAME: resource_name}
        super().__init__(self._provider_type(), resource_name, properties, opts)

    def translate_input_property(self, prop: str) -> str:
        """The options that name properties accept Pulumi's camelCase too."""
        properties = self._provider_type.kind.properties
        parts = [part.name for property_ in properties for part in property_.fields]
        return snake_case_path(prop, [*(property_.name for property_ in properties), *parts])
