"""Nothing to set up: pulumi_truto brings the fixtures `pulumi_stack`, `truto_sandbox` and `pulumi_mocks`."""
