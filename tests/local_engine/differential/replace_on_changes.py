"""Which changes replace by `replace_on_changes`: honoured for the native plugin alone."""

from tests.local_engine.differential.steps import up

KINDS = ("dynamic", "native")
HOOK = """
    opts = pulumi.ResourceOptions(replace_on_changes=[%s])
    truto.Webhook("a", URL + "/a", is_active=%s, opts=opts)
"""

STEPS = [
    up(HOOK % ('prop("is_active")', True)),
    up(HOOK % ('prop("is_active")', False)),
    up(HOOK % ('prop("target_url")', True)),
    up(HOOK % ('"*"', False)),
]
