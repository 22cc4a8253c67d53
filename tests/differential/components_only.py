"""Components without any webhook are counted too, and deleted."""

from tests.differential.steps import destroy, up

STEPS = [
    up("""
        outer = pulumi.ComponentResource("app:index:Outer", "outer")
        pulumi.ComponentResource("app:index:Inner", "inner", opts=pulumi.ResourceOptions(parent=outer))
    """),
    up('pulumi.ComponentResource("app:index:Outer", "outer")'),
    destroy(),
]
