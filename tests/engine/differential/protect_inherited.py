"""A child inherits `protect` from its parent; a child with `protect=False` is deleted."""

from tests.engine.differential.steps import destroy, up

STEPS = [
    up("""
        top = pulumi.ComponentResource("app:index:Top", "top", opts=pulumi.ResourceOptions(protect=True))
        a = truto.Webhook("a", target_url=URL + "/a", opts=pulumi.ResourceOptions(parent=top))
        free = pulumi.ResourceOptions(parent=top, protect=False, depends_on=[a])
        truto.Webhook("b", target_url=URL + "/b", opts=free)
    """),
    destroy(),
]
