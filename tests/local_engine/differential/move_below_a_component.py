"""A webhook that moves below a component without an alias is another webhook."""

from tests.local_engine.differential.steps import up

STEPS = [
    up('truto.Webhook("a-hook", URL + "/a")'),
    up('Receiver("a", "/a")'),
]
