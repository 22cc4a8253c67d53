"""Bad inputs fail the preview and the run, before anything is sent."""

from tests.differential.steps import preview, up

STEPS = [
    preview('truto.Webhook("a", "ftp://nowhere")'),
    up('truto.Webhook("a", "ftp://nowhere")'),
]
