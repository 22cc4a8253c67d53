"""An alias with the old type moves a webhook from the dynamic provider to the native plugin without a replacement."""

from tests.engine.differential.steps import destroy, up

KINDS = ("native",)
STEPS = [
    up("""
        import pulumi_truto
        hook = pulumi_truto.Webhook("a", target_url=URL + "/a")
        pulumi.export("id", hook.id)
        pulumi.export("secret", hook.secret)
    """),
    up("""
        old = pulumi.Alias(type_="pulumi-python:dynamic/truto:Webhook")
        hook = truto.Webhook("a", target_url=URL + "/a", opts=pulumi.ResourceOptions(aliases=[old]))
        pulumi.export("id", hook.id)
        pulumi.export("secret", hook.secret)
    """),
    up("""
        hook = truto.Webhook("a", target_url=URL + "/a")
        pulumi.export("id", hook.id)
        pulumi.export("secret", hook.secret)
    """),
    destroy(),
]
