"""A refresh detects webhooks that were edited or deleted by hand, and the next up repairs them."""

from tests.engine.differential.steps import Edit, Remove, refresh, up

HOOK = """
    hook = truto.Webhook("a", URL + "/a")
    pulumi.export("id", hook.id)
    pulumi.export("active", hook.is_active)
"""

STEPS = [
    up(HOOK),
    Edit("/a", {"is_active": False}),
    refresh(),
    up(HOOK),
    Remove("/a"),
    refresh(),
    up(HOOK),
]
