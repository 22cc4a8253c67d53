"""Another name without an alias is another webhook: the new one first."""

from tests.local_engine.differential.steps import preview, up

STEPS = [
    up('truto.Webhook("a", URL + "/a")'),
    preview('truto.Webhook("b", URL + "/a")'),
    up('truto.Webhook("b", URL + "/a")'),
]
