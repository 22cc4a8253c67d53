"""An alias keeps a renamed webhook, whether it gives the name, the whole URN, or comes with another change."""

from tests.engine.differential.steps import preview, up

HOOK = """
    opts = pulumi.ResourceOptions(aliases=[%s])
    hook = truto.Webhook("%s", URL + "/a", is_active=%s, opts=opts)
    dependent = pulumi.ResourceOptions(depends_on=[hook])
    truto.Webhook("other", URL + "/other", opts=dependent)
    pulumi.export("id", hook.id)
"""

STEPS = [
    up(HOOK % ("", "a", True)),
    preview(HOOK % ('pulumi.Alias(name="a")', "b", True)),
    up(HOOK % ('pulumi.Alias(name="a")', "b", True)),
    up(HOOK % ('pulumi.Alias(name="b")', "c", False)),
    up(HOOK % ('"urn:pulumi:dev::scenario::pulumi-python:dynamic/truto:Webhook::c"', "d", False)),
]
