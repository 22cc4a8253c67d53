"""A protected webhook is not replaced, unless the same run removes `protect`."""

from tests.engine.differential.steps import preview, up

HOOK = 'truto.Webhook("a", URL + "/a", opts=pulumi.ResourceOptions(protect=%s, replacement_trigger="%s"))'

STEPS = [
    up(HOOK % (True, "1")),
    preview(HOOK % (True, "2")),
    up(HOOK % (True, "2")),
    up(HOOK % (False, "2")),
]
