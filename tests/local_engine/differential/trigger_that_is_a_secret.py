"""A trigger that is a secret replaces nothing when it changes, and one with a secret in it replaces every time.

Pulumi forgets what is secret in a trigger when it reads its state.
"""

from tests.local_engine.differential.steps import up

HOOK = 'truto.Webhook("a", URL + "/a", opts=pulumi.ResourceOptions(replacement_trigger=%s))'

STEPS = [
    up(HOOK % 'pulumi.Output.secret("1")'),
    up(HOOK % 'pulumi.Output.secret("2")'),
    up(HOOK % '"3"'),
    up(HOOK % '["4", pulumi.Output.secret("5")]'),
    up(HOOK % '["4", pulumi.Output.secret("5")]'),
]
