"""A secret input makes its output secret, and making an input secret is not a change."""

from tests.engine.differential.steps import up

HOOK = """
    hook = truto.Webhook("a", target_url=%s)
    pulumi.export("url", hook.target_url)
"""

STEPS = [up(HOOK % 'URL + "/a"'), up(HOOK % 'pulumi.Output.secret(URL + "/a")')]
