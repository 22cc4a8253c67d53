"""An output is secret if its whole value is; a secret nested in an object or a list does not make it secret."""

from tests.engine.differential.steps import up

KINDS = ("dynamic", "native")
STEPS = [
    up("""
        created = pulumi.Output.secret("record:created")
        hook = truto.Webhook("a", target_url=URL + "/a", event_types=[created, "record:deleted"])
        pulumi.export("secret", hook.secret)
        pulumi.export("nested", {"secret": hook.secret, "url": hook.target_url})
        pulumi.export("listed", [hook.secret, "plain"])
        pulumi.export("combined", pulumi.Output.all(hook.secret, "plain"))
        pulumi.export("formatted", pulumi.Output.concat("s=", hook.secret))
        pulumi.export("unsecret", pulumi.Output.unsecret(hook.secret).apply(len))
        pulumi.export("of_an_input", hook.event_types)
    """),
]
