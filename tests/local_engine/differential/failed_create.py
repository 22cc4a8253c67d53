"""When a create fails, what was made before is kept, and the next run makes the rest."""

from tests.local_engine.differential.steps import Fault, up

TWO = """
    a = truto.Webhook("a", URL + "/a")
    truto.Webhook("b", URL + "/b", opts=pulumi.ResourceOptions(depends_on=[a]))
"""

STEPS = [Fault("create", skip=1), up(TWO), up(TWO)]
