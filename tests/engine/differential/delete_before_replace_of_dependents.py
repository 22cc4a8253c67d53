"""A dependent that must be replaced too is deleted before the webhook that it depends on."""

from tests.engine.differential.steps import up

KINDS = ("native",)
TWO = """
    opts = pulumi.ResourceOptions(replacement_trigger="%s", delete_before_replace=True)
    a = truto.Webhook("a", target_url=URL + "/a", opts=opts)
    replaced = pulumi.ResourceOptions(replace_on_changes=[prop("target_url")])
    truto.Webhook("b", target_url=a.id.apply(lambda id: URL + "/b"), opts=replaced)
"""

STEPS = [up(TWO % "1"), up(TWO % "2")]
