"""An alias with the old parent keeps a webhook that moves into a component, and then into another one."""

from tests.engine.differential.steps import up

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
