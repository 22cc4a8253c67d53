"""A refresh finds what was changed and deleted by hand; the next run repairs it."""

from tests.differential.steps import Edit, Remove, refresh, up

TWO = """
    a = truto.Webhook("a", URL + "/a")
    b = truto.Webhook("b", URL + "/b", opts=pulumi.ResourceOptions(depends_on=[a]))
    pulumi.export("active", a.is_active)
"""

STEPS = [
    up(TWO),
    Edit("/a", {"is_active": False}),
    Remove("/b"),
    refresh(any_order=True),
    up(TWO),
    refresh(any_order=True),
]
