"""A changed trigger beside other changes replaces once; a list can be a trigger too."""

from tests.local_engine.differential.steps import up

HOOK = 'truto.Webhook("a", URL + "/a", is_active=%s, opts=pulumi.ResourceOptions(replacement_trigger=["1", {"n": %s}]))'

STEPS = [up(HOOK % (True, 1)), up(HOOK % (False, 2))]
