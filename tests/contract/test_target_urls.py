"""Target URLs: how long they may be, and whether Truto changes them."""

from __future__ import annotations

import pytest

from pulumi_truto.urls import urls_equal
from tests.contract.truto import HOST, Observed, Truto

#: The provider refuses a longer one.
_MAX_LENGTH = 2048
#: By name; {host} and {path} are those of a new URL, and {run_id} is part of every URL.
_SPELLINGS = {
    "upper-case host": f"https://{HOST.upper()}{{path}}",
    "upper-case scheme": f"HTTPS://{HOST}{{path}}",
    "default port": f"https://{HOST}:443{{path}}",
    "empty path": f"https://{{run_id}}.{HOST}",
    "query without a path": f"https://{{run_id}}.{HOST}?a=1",
    "slash at the end": f"https://{HOST}{{path}}/",
    "two slashes": f"https://{HOST}/{{path}}//a",
    "dots": f"https://{HOST}{{path}}/b/../c/./d",
    "percent-encoded letter": f"https://{HOST}{{path}}/%7Ea%2fb%2Fc",
    "order of the query": f"https://{HOST}{{path}}?b=2&a=1&b=0&c",
    "plus and percent-encoded space": f"https://{HOST}{{path}}?q=a+b%20c",
}
_NON_ASCII = {
    "letter in the path": f"https://{HOST}{{path}}/\u00e9",
    "name": f"https://\u00e9.{HOST}/{{run_id}}",
}


@pytest.mark.rests_on("pulumi_truto/webhook/inputs.py")
def test_longest_url(truto: Truto) -> None:
    """A URL of 2,048 characters is accepted, and comes back unchanged."""
    url = (truto.new_url() + "?long=").ljust(_MAX_LENGTH, "x")
    created = truto.create(target_url=url)
    assert created["target_url"] == url
    assert truto.read(created["id"])["target_url"] == url


@pytest.mark.rests_on("pulumi_truto/urls.py")
def test_spelling_of_urls(truto: Truto, observed: Observed) -> None:
    """A URL comes back unchanged, or with nothing changed but what a URL parser normalizes; or it is refused."""
    observed(_spellings(truto, _SPELLINGS))


@pytest.mark.rests_on("pulumi_truto/webhook/inputs.py")
def test_non_ascii_url(truto: Truto, observed: Observed) -> None:
    """A URL with other than ASCII letters comes back unchanged, or is refused."""
    observed(_spellings(truto, _NON_ASCII))


def _spellings(truto: Truto, urls: dict[str, str]) -> str:
    """Sets one webhook to one URL after another, and says how they come back."""
    id_ = truto.create()["id"]
    names_by_form: dict[str, list[str]] = {"changed": [], "normalized": [], "refused": [], "unchanged": []}
    for name, spelling in urls.items():
        url = spelling.format(run_id=truto.run_id, path=truto.new_url().partition(HOST)[2])
        response = truto.patch(id_, target_url=url, event_types=["record:created"])
        if response.status in (400, 422):
            names_by_form["refused"].append(name)
            continue
        returned_urls = {response.object["target_url"], truto.read(id_)["target_url"]}
        form = "unchanged" if returned_urls == {url} else "normalized"
        names_by_form[
            form if all(urls_equal(url, returned_url) for returned_url in returned_urls) else "changed"
        ].append(name)
    assert not names_by_form["changed"]
    return "; ".join(f"{form}: {', '.join(names)}" for form, names in names_by_form.items() if names)
