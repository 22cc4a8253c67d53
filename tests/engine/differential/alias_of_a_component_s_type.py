"""An alias with a component's old type keeps its webhook, and the webhook of a nested component."""

from tests.engine.differential.steps import up

TREE = """
    class Group(pulumi.ComponentResource):
        def __init__(self, type, opts=None):
            super().__init__(type, "group", None, opts)
            Receiver("a", "/a", pulumi.ResourceOptions(parent=self))

    Group("%s", pulumi.ResourceOptions(aliases=[%s]))
"""

STEPS = [
    up(TREE % ("app:index:Old", "")),
    up(TREE % ("app:index:New", 'pulumi.Alias(type_="app:index:Old")')),
    up(TREE % ("app:index:New", "")),
]
