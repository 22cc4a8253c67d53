"""Changed inputs of a component count as an update of it, and its webhook stays the same."""

from tests.engine.differential.steps import up

COMPONENT = """
    class Group(pulumi.ComponentResource):
        def __init__(self, size):
            super().__init__("app:index:Group", "group", {"size": size})
            self.size = pulumi.Output.from_input(size)
            truto.Webhook("a", URL + "/a", opts=pulumi.ResourceOptions(parent=self))
            self.register_outputs({"size": size})

    pulumi.export("size", Group(%s).size)
"""

STEPS = [up(COMPONENT % 1), up(COMPONENT % 1), up(COMPONENT % 2), up(COMPONENT % "pulumi.Output.secret(2)")]
