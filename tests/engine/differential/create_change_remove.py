"""A webhook is created, updated, left unchanged and removed; the other webhook stays."""

from tests.engine.differential.steps import up

BOTH = """
    a = truto.Webhook("a", target_url=URL + "/a", is_active=%s)
    truto.Webhook("b", target_url=URL + "/b", opts=pulumi.ResourceOptions(depends_on=[a]))
    pulumi.export("a", a.id)
    pulumi.export("active", a.is_active)
"""

STEPS = [
    up(BOTH % True),
    up(BOTH % False),
    up(BOTH % False),
    up('truto.Webhook("b", target_url=URL + "/b")'),
]
