"""A change of an ignored property is not sent, except in a replacement."""

from tests.engine.differential.steps import up

HOOK = """
    opts = pulumi.ResourceOptions(ignore_changes=[prop("target_url")], replacement_trigger="%s")
    pulumi.export("url", truto.Webhook("a", URL + "%s", is_active=%s, opts=opts).target_url)
"""

STEPS = [
    up(HOOK % ("1", "/a", True)),
    up(HOOK % ("1", "/b", True)),
    up(HOOK % ("1", "/b", False)),
    up(HOOK % ("2", "/b", False)),
]
