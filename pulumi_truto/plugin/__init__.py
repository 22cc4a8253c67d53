"""The native plugin: the same webhook for every language that Pulumi has. Started by ``python -m pulumi_truto``."""
