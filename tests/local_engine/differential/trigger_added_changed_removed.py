"""A replacement trigger replaces when it changes, and not when it is added or removed."""

from tests.local_engine.differential.steps import preview, up

HOOK = """
    hook = truto.Webhook("a", URL + "/a", opts=pulumi.ResourceOptions(replacement_trigger=%r))
    pulumi.export("id", hook.id)
"""

STEPS = [
    up(HOOK % None),
    up(HOOK % "1"),
    preview(HOOK % "2"),
    up(HOOK % "2"),
    up(HOOK % None),
    up(HOOK % "3"),
]
