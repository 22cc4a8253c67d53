"""A managed webhook that is only read from now on: let go where it is the same, else deleted."""

from tests.local_engine.differential.steps import Make, up

STEPS = [
    up('truto.Webhook("a", URL + "/a")'),
    up('truto.Webhook.get("a", IDS["/a"])'),
    up('truto.Webhook("a", URL + "/new")'),
    Make("/theirs"),
    up('truto.Webhook.get("a", IDS["/theirs"])'),
]
