"""With `delete_before_replace` a create that fails leaves a replacement that the next run ends."""

from tests.local_engine.differential.steps import Fault, destroy, refresh, up

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
