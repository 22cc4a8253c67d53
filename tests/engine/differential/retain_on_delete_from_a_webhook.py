"""A webhook inherits `retain_on_delete` from a parent webhook, through a component between them."""

from tests.engine.differential.steps import destroy, up

STEPS = [
    up("""
        top = truto.Webhook("top", target_url=URL + "/top", opts=pulumi.ResourceOptions(retain_on_delete=True))
        Receiver("a", "/a", pulumi.ResourceOptions(parent=top))
    """),
    destroy(),
]
