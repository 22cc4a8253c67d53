"""After a failed create, the state has the webhooks that were created, and the next up creates the rest."""

from tests.engine.differential.steps import Fault, up

TWO = """
    a = truto.Webhook("a", URL + "/a")
    truto.Webhook("b", URL + "/b", opts=pulumi.ResourceOptions(depends_on=[a]))
"""

STEPS = [Fault("create", skip=1), up(TWO), up(TWO)]
