"""A component passes its provider to its children, including those of a nested component."""

from tests.engine.differential.steps import up

STEPS = [
    up(
        """
        staging = truto.Provider("staging", **STAGING)
        top = pulumi.ComponentResource("app:index:Top", "top", opts=pulumi.ResourceOptions(providers=[staging]))
        a = Receiver("a", "/a", pulumi.ResourceOptions(parent=top))
        below = pulumi.ResourceOptions(parent=a.hook)
        b = truto.Webhook("b", URL + "/b", opts=below)
        c = truto.Webhook("c", URL + "/c", opts=pulumi.ResourceOptions(depends_on=[b]))
        pulumi.export("environments", [a.hook.environment_id, b.environment_id, c.environment_id])
    """,
        any_order=True,
    ),
]
