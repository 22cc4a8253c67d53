"""After a failed up, the stack keeps its old outputs, even if the program exports other ones."""

from tests.engine.differential.steps import Fault, up

TWO = """
    a = truto.Webhook("a", URL + "/a", is_active=%s)
    b = truto.Webhook("b", URL + "/b", is_active=%s, opts=pulumi.ResourceOptions(depends_on=[a]))
    pulumi.export("b", b.is_active)
    pulumi.export("%s", "%s")
"""

STEPS = [
    up(TWO % (True, True, "version", "1")),
    Fault("update", skip=1),
    up(TWO % (False, False, "other", "2")),
    up(TWO % (False, False, "other", "2")),
]
