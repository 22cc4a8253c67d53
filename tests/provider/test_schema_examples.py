"""The examples in the schema's descriptions exist in every language, and say the same in all of them."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
import yaml

from pulumi_truto.plugin.schema import schema
from pulumi_truto.property_names import camel_case
from tests.support.commands import REPOSITORY
from tests.support.schema_examples import LANGUAGES, code_block, code_blocks, descriptions

TOKENS: Final = sorted(descriptions())

#: The syntax that sets an input, in each language.
INPUT: Final = {
    "typescript": r"\b(\w+): ",
    "python": r"\b(\w+)=",
    "go": r"^\s+(\w+):\s",
    "csharp": r"^\s+(\w+) =(?: [^>]|$)",
    "java": r"^\s+\.(\w+)\(",
}
#: The syntax that names an output of the stack, in each language.
STACK_OUTPUT: Final = {
    "typescript": r"export const (\w+) =",
    "python": r'pulumi\.export\("(\w+)"',
    "go": r'ctx\.Export\("(\w+)"',
    "csharp": r'\["(\w+)"\] =',
    "java": r'ctx\.export\("(\w+)"',
}
#: How each language imports its SDK.
IMPORT: Final = {
    "typescript": 'import * as truto from "{nodejs[packageName]}";',
    "python": "import {python[packageName]} as truto",
    "go": '"{go[importBasePath]}"',
    "csharp": "using Truto = {csharp[rootNamespace]}.Truto;",
    "java": "import {java[basePackage]}.truto.",
}


def inputs_of(language: str, code: str) -> set[str]:
    """The names of the inputs that an example sets, as the schema has them."""
    if language == "yaml":
        program = yaml.safe_load(code)
        resources = [resource["properties"] for resource in program.get("resources", {}).values()]
        calls = [variable["fn::invoke"]["arguments"] for variable in program.get("variables", {}).values()]
        return {name for inputs in [*resources, *calls] for name in names_in(inputs)}
    names = set(re.findall(INPUT[language], code, re.MULTILINE)) - {"build"}
    return {camel_case(name[0].lower() + name[1:]) for name in names}


def names_in(inputs: dict[str, Any]) -> set[str]:
    """The names of inputs and of their parts."""
    parts = [value for value in inputs.values() if isinstance(value, dict)]
    return set(inputs).union(*map(names_in, parts))


def stack_outputs_of(language: str, code: str) -> list[str]:
    """The names of the stack's outputs in an example."""
    return list(yaml.safe_load(code)["outputs"]) if language == "yaml" else re.findall(STACK_OUTPUT[language], code)


def declared(token: str) -> tuple[set[str], set[str]]:
    """The inputs that a resource or function has, and those that it requires."""
    document: Any = schema()
    if token in document["resources"]:
        resource = document["resources"][token]
        objects = [
            document["types"][input_["$ref"].removeprefix("#/types/")]
            for input_ in resource["inputProperties"].values()
            if "$ref" in input_
        ]
        names = set(resource["inputProperties"]).union(*(object_["properties"] for object_ in objects))
        return names, set(resource["requiredInputs"])
    inputs = document["functions"][token]["inputs"]
    return set(inputs["properties"]), set(inputs.get("required", []))


@pytest.mark.parametrize("token", TOKENS)
def test_every_language_has_one_example(token: str) -> None:
    """No generated SDK has a heading without an example, because Pulumi keeps the heading and one code block of six.

    The shortcodes are Pulumi's: its registry shows the example with a chooser, and the generators remove them.
    """
    [section] = re.findall(
        r"^{{% examples %}}\n\n## Example Usage\n\n{{% example %}}\n\n(.*?)\n{{% /example %}}\n\n{{% /examples %}}$",
        descriptions()[token],
        re.MULTILINE | re.DOTALL,
    )
    assert [language for language, _ in code_blocks(section)] == list(LANGUAGES)
    assert re.sub(r"^```.*?^```$", "", section, flags=re.MULTILINE | re.DOTALL).strip() == ""


@pytest.mark.parametrize("token", TOKENS)
def test_examples_say_the_same_in_every_language(token: str) -> None:
    """The example of each language sets the same inputs, which the schema has, and has the same outputs."""
    examples = {language: code_block(token, language) for language in LANGUAGES}
    inputs = {language: inputs_of(language, code) for language, code in examples.items()}
    assert inputs == dict.fromkeys(LANGUAGES, inputs["yaml"])
    known, required = declared(token)
    assert required <= inputs["yaml"] <= known | declared("truto:index:Webhook")[0]
    outputs = {language: stack_outputs_of(language, code) for language, code in examples.items()}
    assert outputs == dict.fromkeys(LANGUAGES, outputs["yaml"])
    assert outputs["yaml"]


@pytest.mark.parametrize("language", IMPORT)
@pytest.mark.parametrize("token", TOKENS)
def test_examples_import_the_generated_sdk(token: str, language: str) -> None:
    """The example imports the SDK by the name that the schema gives it."""
    assert IMPORT[language].format(**schema()["language"]) in code_block(token, language)


def test_overview_shows_the_examples_of_the_schema() -> None:
    """docs/_index.md, which Pulumi's registry shows, has the webhook's example with a choice for each language."""
    overview = (REPOSITORY / "docs" / "_index.md").read_text(encoding="utf-8")
    [chooser] = re.findall(r'{{< chooser language "(.*?)" >}}', overview)
    assert chooser.split(",") == list(LANGUAGES)
    examples = re.findall(r"{{% choosable language (\w+) %}}\n\n(.*?)\n{{% /choosable %}}", overview, re.DOTALL)
    assert examples == [
        (language, f"```{language}\n{code_block('truto:index:Webhook', language)}```\n") for language in LANGUAGES
    ]
