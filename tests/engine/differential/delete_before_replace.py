"""The old webhook is deleted before its replacement is created, and its dependent stays."""

from tests.engine.differential.steps import up

TWO = """
    opts = pulumi.ResourceOptions(replacement_trigger="%s", delete_before_replace=True)
    a = truto.Webhook("a", URL + "/a", opts=opts)
    truto.Webhook("b", a.id.apply(lambda id: URL + "/b"))
"""

STEPS = [up(TWO % "1"), up(TWO % "2")]
