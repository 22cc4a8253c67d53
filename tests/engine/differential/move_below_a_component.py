"""A webhook that moves into a component without an alias is a different webhook."""

from tests.engine.differential.steps import up

STEPS = [
    up('truto.Webhook("a-hook", URL + "/a")'),
    up('Receiver("a", "/a")'),
]
