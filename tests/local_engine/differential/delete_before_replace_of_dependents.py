"""What is replaced because of a webhook that is deleted first is deleted before that one."""

from tests.local_engine.differential.steps import up

KINDS = ("native",)
TWO = """
    opts = pulumi.ResourceOptions(replacement_trigger="%s", delete_before_replace=True)
    a = truto.Webhook("a", URL + "/a", opts=opts)
    replaced = pulumi.ResourceOptions(replace_on_changes=[prop("target_url")])
    truto.Webhook("b", a.id.apply(lambda id: URL + "/b"), opts=replaced)
"""

STEPS = [up(TWO % "1"), up(TWO % "2")]
