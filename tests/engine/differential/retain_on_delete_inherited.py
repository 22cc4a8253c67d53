"""A child inherits `retain_on_delete` from its parent: its webhook stays at Truto."""

from tests.engine.differential.steps import destroy, up

STEPS = [
    up('Receiver("a", "/a", pulumi.ResourceOptions(retain_on_delete=True))'),
    up(""),
    up("""
        own = pulumi.ResourceOptions(retain_on_delete=False)
        Receiver("b", "/b", pulumi.ResourceOptions(retain_on_delete=True), own)
    """),
    destroy(),
]
