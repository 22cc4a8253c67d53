"""A changed trigger and a changed property together replace a webhook once; a trigger can be a list."""

from tests.engine.differential.steps import up

HOOK = 'truto.Webhook("a", URL + "/a", is_active=%s, opts=pulumi.ResourceOptions(replacement_trigger=["1", {"n": %s}]))'

STEPS = [up(HOOK % (True, 1)), up(HOOK % (False, 2))]
