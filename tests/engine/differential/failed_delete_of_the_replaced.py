"""A replaced webhook that could not be deleted is deleted by the next up, even if it was protected."""

from tests.engine.differential.steps import Fault, up

HOOK = 'truto.Webhook("a", URL + "/a", opts=pulumi.ResourceOptions(replacement_trigger="%s", protect=%s))'

STEPS = [
    up(HOOK % ("1", True)),
    Fault("delete", fields={"status": 403, "message": "refused"}),
    up(HOOK % ("2", False)),
    up(HOOK % ("2", False)),
]
