"""A webhook that moves below a component, and back, with an alias for its parent."""

from tests.local_engine.differential.steps import up

STEPS = [
    up('truto.Webhook("a-hook", URL + "/a")'),
    up("""
        top = pulumi.ResourceOptions(aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)])
        Receiver("a", "/a", hook_opts=top)
    """),
    up("""
        group = pulumi.ComponentResource("app:index:Group", "group")
        own = pulumi.Alias(parent="urn:pulumi:dev::scenario::app:index:Receiver::a")
        truto.Webhook("a-hook", URL + "/a", opts=pulumi.ResourceOptions(parent=group, aliases=[own]))
    """),
]
