"""Two webhooks with the same alias are refused, and so is an alias that is the name of another webhook."""

from tests.engine.differential.steps import up

ALIAS = 'pulumi.ResourceOptions(aliases=[pulumi.Alias(name="a")], depends_on=%s)'

STEPS = [
    up('truto.Webhook("a", URL + "/a")'),
    up(f"""
        b = truto.Webhook("b", URL + "/a", opts={ALIAS % []})
        truto.Webhook("c", URL + "/a", opts={ALIAS % "[b]"})
    """),
    up("""
        b = truto.Webhook("b", URL + "/a")
        truto.Webhook("c", URL + "/a", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="b")], depends_on=[b]))
    """),
]
