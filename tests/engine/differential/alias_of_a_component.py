"""A component that is renamed with an alias keeps its webhook, whose name begins with the component's name."""

from tests.engine.differential.steps import destroy, up

STEPS = [
    up('Receiver("old", "/a")'),
    up('Receiver("new", "/a", pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))'),
    up('Receiver("new", "/a")'),
    destroy(),
]
