"""A create that fails after `delete_before_replace` leaves a pending replacement, which the next up completes."""

from tests.engine.differential.steps import Fault, destroy, refresh, up

HOOK = """
    opts = pulumi.ResourceOptions(replacement_trigger="%s", delete_before_replace=True)
    pulumi.export("id", truto.Webhook("a", URL + "/a", opts=opts).id)
"""

STEPS = [
    up(HOOK % "1"),
    Fault("create"),
    up(HOOK % "2"),
    refresh(),
    up(HOOK % "2"),
    Fault("create"),
    up(HOOK % "3"),
    destroy(),
]
