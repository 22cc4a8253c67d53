"""A renamed component takes its webhook along, whose name begins with its own."""

from tests.local_engine.differential.steps import destroy, up

STEPS = [
    up('Receiver("old", "/a")'),
    up('Receiver("new", "/a", pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")]))'),
    up('Receiver("new", "/a")'),
    destroy(),
]
