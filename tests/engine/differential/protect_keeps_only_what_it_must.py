"""A destroy keeps a protected webhook and its dependencies, deletes the others, and fails."""

from tests.engine.differential.steps import destroy, preview, up

STEPS = [
    up(
        """
        a = truto.Webhook("a", target_url=URL + "/a")
        kept = pulumi.ResourceOptions(protect=True, depends_on=[a])
        truto.Webhook("kept", target_url=URL + "/kept", opts=kept)
        truto.Webhook("free", target_url=URL + "/free", opts=pulumi.ResourceOptions(depends_on=[a]))
    """,
        any_order=True,
    ),
    preview(""),
    destroy(),
]
