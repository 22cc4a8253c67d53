"""A renamed webhook without an alias is a different webhook, and is created before the old one is deleted."""

from tests.engine.differential.steps import preview, up

STEPS = [
    up('truto.Webhook("a", URL + "/a")'),
    preview('truto.Webhook("b", URL + "/a")'),
    up('truto.Webhook("b", URL + "/a")'),
]
