"""A refresh drops a webhook on which others depend. The next run creates it again, and a destroy needs no order."""

from tests.engine.differential.steps import Remove, destroy, refresh, up

HOOKS = """
    a = truto.Webhook("a", target_url=URL + "/a")
    b = truto.Webhook("b", target_url=a.id.apply(lambda id: URL + "/b"))
    c = truto.Webhook("c", target_url=URL + "/c", opts=pulumi.ResourceOptions(parent=a))
    truto.Webhook("d", target_url=URL + "/d", opts=pulumi.ResourceOptions(parent=c, depends_on=[a, b]))
"""

STEPS = [
    up(HOOKS, any_order=True),
    Remove("/a"),
    refresh(any_order=True),
    up(HOOKS, any_order=True),
    Remove("/a"),
    refresh(any_order=True),
    destroy(any_order=True),
]
