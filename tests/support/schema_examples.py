"""The examples in the descriptions of the plugin's schema."""

from __future__ import annotations

import re
from typing import Final

from pulumi_truto.plugin.schema import schema

__all__ = ["LANGUAGES", "code_block", "code_blocks", "descriptions"]

#: The languages of Pulumi, as code blocks name them.
LANGUAGES: Final = ("typescript", "python", "go", "csharp", "java", "yaml")

_CODE_BLOCK: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def descriptions() -> dict[str, str]:
    """The description of each resource and function, by its token."""
    document = schema()
    return {token: entry["description"] for token, entry in {**document["resources"], **document["functions"]}.items()}


def code_blocks(text: str) -> list[tuple[str, str]]:
    """The language and the code of each code block of a text in Markdown."""
    return _CODE_BLOCK.findall(text)


def code_block(token: str, language: str) -> str:
    """The example of a resource or function in a language."""
    [code] = [code for name, code in code_blocks(descriptions()[token]) if name == language]
    return code
