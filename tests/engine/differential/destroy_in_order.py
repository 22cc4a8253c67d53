"""A destroy deletes every webhook, dependents before their dependencies."""

from tests.engine.differential.steps import destroy, up

STEPS = [
    up("""
        a = truto.Webhook("a", target_url=URL + "/a")
        b = truto.Webhook("b", target_url=a.id.apply(lambda id: URL + "/b"))
        truto.Webhook("c", target_url=URL + "/c", opts=pulumi.ResourceOptions(depends_on=[b]))
    """),
    destroy(),
]
