"""`replace_on_changes` replaces a webhook of the native plugin; with the dynamic provider it has no effect."""

from tests.engine.differential.steps import up

KINDS = ("dynamic", "native")
HOOK = """
    opts = pulumi.ResourceOptions(replace_on_changes=[%s])
    truto.Webhook("a", target_url=URL + "/a", is_active=%s, opts=opts)
"""

STEPS = [
    up(HOOK % ('prop("is_active")', True)),
    up(HOOK % ('prop("is_active")', False)),
    up(HOOK % ('prop("target_url")', True)),
    up(HOOK % ('"*"', False)),
]
