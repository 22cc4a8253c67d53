"""A managed webhook that is now only read stays if the id is the same; otherwise the managed one is deleted."""

from tests.engine.differential.steps import Create, up

STEPS = [
    up('truto.Webhook("a", URL + "/a")'),
    up('truto.Webhook.get("a", IDS["/a"])'),
    up('truto.Webhook("a", URL + "/new")'),
    Create("/theirs"),
    up('truto.Webhook.get("a", IDS["/theirs"])'),
]
