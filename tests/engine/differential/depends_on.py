"""Dependencies order creates, replacements and deletions, including a dependency on a component."""

from tests.engine.differential.steps import up

THREE = """
    a = Receiver("a", "/a", hook_opts=pulumi.ResourceOptions(replacement_trigger="%s"))
    b = truto.Webhook("b", URL + "/b", opts=pulumi.ResourceOptions(depends_on=[a], replacement_trigger="%s"))
    truto.Webhook("c", URL + "/c", opts=pulumi.ResourceOptions(depends_on=[b]))
"""

STEPS = [up(THREE % ("1", "1")), up(THREE % ("2", "2")), up("")]
