"""A webhook that is only read is never deleted, and counts only when its properties have changed."""

from tests.engine.differential.steps import Create, Edit, preview, refresh, up

GET = """
    hook = truto.Webhook.get("theirs", IDS["/theirs"])
    pulumi.export("url", hook.target_url)
    pulumi.export("active", hook.is_active)
"""

STEPS = [
    Create("/theirs"),
    preview(GET),
    up(GET),
    up(GET),
    Edit("/theirs", {"is_active": False}),
    refresh(),
    Edit("/theirs", {"is_active": True}),
    up(GET),
    up(""),
]
