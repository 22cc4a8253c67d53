"""A local engine that runs a Pulumi program without the Pulumi CLI, for demos and tests."""
