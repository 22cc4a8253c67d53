"""In a preview, an id is unknown; after the up, an output that depends on it has its value."""

from tests.engine.differential.steps import preview, up

TWO = """
    a = truto.Webhook("a", URL + "/a")
    b = truto.Webhook("b", a.id.apply(lambda id: URL + "/b?" + str(len(id))))
    pulumi.export("url", b.target_url)
"""

STEPS = [preview(TWO), up(TWO)]
