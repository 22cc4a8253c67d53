"""The programs of examples/secrets hand the webhook's secret on, and it stays a secret.

They run under Pulumi's mocks: the program and the SDKs of the other providers are real, and nothing is created.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pulumi_truto.property_values import contains_secret, unwrap_secrets
from tests.support.commands import REPOSITORY, run

EXAMPLES = REPOSITORY / "examples" / "secrets"
SECRET = "the-signing-secret"

#: Runs a program under mocks, and prints the resources that it declares and its outputs.
RUNNER = textwrap.dedent(
    """
    import asyncio, json, runpy, sys
    import pulumi

    folder, config = sys.argv[1], json.loads(sys.argv[2])
    resources = []

    class Mocks(pulumi.runtime.Mocks):
        def new_resource(self, args):
            outputs = dict(args.inputs)
            if args.typ.endswith("truto:Webhook"):
                outputs["secret"] = "the-signing-secret"
            if args.typ == "pulumi:pulumi:StackReference":
                outputs = {"outputs": {"webhookSecret": "the-signing-secret"}, "secretOutputNames": ["webhookSecret"]}
            resources.append({"type": args.typ, "inputs": args.inputs})
            return args.name + "-id", {**outputs, "arn": "arn:aws:secretsmanager:::secret:x", "metadata": {"name": "x"}}

        def call(self, args):
            return {}

    pulumi.runtime.set_mocks(Mocks(), project="project", stack="stack")
    pulumi.runtime.set_all_config(config)
    exported = {}
    pulumi.export = lambda name, value: exported.update({name: pulumi.Output.from_input(value)})

    @pulumi.runtime.test
    def main():
        runpy.run_path(folder + "/__main__.py", run_name="__main__")

    main()

    async def outputs():
        return {
            name: {"value": await output.future(), "secret": await output.is_secret()}
            for name, output in exported.items()
        }

    print(json.dumps({"resources": resources, "outputs": asyncio.get_event_loop().run_until_complete(outputs())}))
    """
)


@pytest.fixture(scope="module")
def sdks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the SDKs of the other providers.

    Not in the tests' own environment: Pulumi looks for the plugin of every SDK that it finds there.
    """
    folder = tmp_path_factory.mktemp("sdks")
    packages = [line for file in EXAMPLES.glob("*/requirements.txt") for line in file.read_text().split()]
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    run(*pip, "--no-compile", "--target", folder, *packages, "parver", "arpeggio", "attrs")
    return folder


def run_program(sdks: Path, name: str, config: dict[str, str]) -> Any:
    """Runs one program under mocks; returns its resources and outputs."""
    settings = {f"project:{key}": value for key, value in config.items()}
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(sdks), str(REPOSITORY)])}
    process = run(sys.executable, "-c", RUNNER, EXAMPLES / name, json.dumps(settings), env=env)
    return json.loads(process.stdout.splitlines()[-1])


def inputs_of(result: Any, type_: str) -> Any:
    """The inputs of the one resource of this type."""
    [inputs] = [resource["inputs"] for resource in result["resources"] if resource["type"] == type_]
    return inputs


def secret_in(value: Any) -> Any:
    """The plain value of an input, which has to be or to contain a Pulumi secret."""
    assert contains_secret(value)
    return unwrap_secrets(value)


def test_another_stack_reads_the_secret(sdks: Path) -> None:
    """The receiver's stack gets the secret of the webhook's stack, and keeps it a secret."""
    result = run_program(sdks, "stack_reference", {"webhookStack": "organization/webhooks/production"})
    output = result["outputs"]["receiverEnvironment"]
    assert output["secret"] is True
    assert json.loads(output["value"]["WEBHOOK_SECRETS"]) == [SECRET]


def test_kubernetes_gets_the_secret(sdks: Path) -> None:
    """The Kubernetes Secret has the signing secret, and the webhook is tested after the receiver."""
    config = {"targetUrl": "https://hooks.example.com/truto", "image": "receiver:1"}
    result = run_program(sdks, "kubernetes", config)
    assert json.loads(secret_in(inputs_of(result, "kubernetes:core/v1:Secret")["stringData"])["WEBHOOK_SECRETS"]) == [
        SECRET
    ]
    types = [resource["type"] for resource in result["resources"]]
    assert types.index("kubernetes:apps/v1:Deployment") < types.index("pulumi-python:dynamic/truto:WebhookTest")


def test_github_actions_gets_the_secret(sdks: Path) -> None:
    """The GitHub Actions secret has the signing secret."""
    config = {"targetUrl": "https://hooks.example.com/truto", "repository": "orders"}
    result = run_program(sdks, "github_actions", config)
    assert secret_in(inputs_of(result, "github:index/actionsSecret:ActionsSecret")["value"]) == SECRET


def test_aws_secrets_manager_gets_the_secret(sdks: Path) -> None:
    """The version of the AWS secret has the signing secret."""
    result = run_program(sdks, "aws_secrets_manager", {"targetUrl": "https://hooks.example.com/truto"})
    version = inputs_of(result, "aws:secretsmanager/secretVersion:SecretVersion")
    assert json.loads(secret_in(version["secretString"])) == [SECRET]
    assert result["outputs"]["secretArn"]["value"].startswith("arn:aws:secretsmanager")
