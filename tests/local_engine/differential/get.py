"""A webhook that is only read: not counted while it stays the same, not deleted, not managed."""

from tests.local_engine.differential.steps import Edit, Make, preview, refresh, up

GET = """
    hook = truto.Webhook.get("theirs", IDS["/theirs"])
    pulumi.export("url", hook.target_url)
    pulumi.export("active", hook.is_active)
"""

STEPS = [
    Make("/theirs"),
    preview(GET),
    up(GET),
    up(GET),
    Edit("/theirs", {"is_active": False}),
    refresh(),
    Edit("/theirs", {"is_active": True}),
    up(GET),
    up(""),
]
