"""A changed secret trigger does not replace a webhook, but a list with a secret in it replaces it on every run.

The reason is that Pulumi reads every secret in a trigger as null from its state.
"""

from tests.engine.differential.steps import up

HOOK = 'truto.Webhook("a", URL + "/a", opts=pulumi.ResourceOptions(replacement_trigger=%s))'

STEPS = [
    up(HOOK % 'pulumi.Output.secret("1")'),
    up(HOOK % 'pulumi.Output.secret("2")'),
    up(HOOK % '"3"'),
    up(HOOK % '["4", pulumi.Output.secret("5")]'),
    up(HOOK % '["4", pulumi.Output.secret("5")]'),
]
