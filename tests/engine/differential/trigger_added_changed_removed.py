"""A changed replacement trigger replaces a webhook; an added or removed one does not."""

from tests.engine.differential.steps import preview, up

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
