"""Nothing to set up: pulumi_truto brings the fixtures `pulumi_stack` and `truto_sandbox`."""
