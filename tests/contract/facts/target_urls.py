"""Target URLs: how long they may be, and whether Truto changes them."""

from __future__ import annotations

from pulumi_truto.urls import urls_equal
from tests.contract.fact import Finding, confirmed, contradicted, rests_on
from tests.contract.run import HOST, Run, expect_object
from tests.contract.seen import Seen

#: What the client lets pass; see MAX_URL_LENGTH.
_MAX_LENGTH = 2048


@rests_on("pulumi_truto/webhook/inputs.py::MAX_URL_LENGTH")
def longest_url(run: Run) -> Finding:
    """A URL of 2,048 characters is accepted, and comes back unchanged."""
    url = run.new_url() + "?long="
    url += "x" * (_MAX_LENGTH - len(url))
    created = run.create(target_url=url)
    if not created.target_url == run.read(created.id).target_url == url:
        return contradicted(f"{_MAX_LENGTH:,} characters are accepted, but come back changed")
    return confirmed(f"{_MAX_LENGTH:,} characters come back unchanged")


@rests_on("pulumi_truto/urls.py::normalize_url")
def spelling_of_urls(run: Run) -> Finding:
    """A URL comes back unchanged, or with nothing changed but what a URL parser normalizes."""
    path = run.new_url().partition(HOST)[2]
    return _spellings(
        run,
        {
            "upper-case host": f"https://{HOST.upper()}{path}",
            "upper-case scheme": f"HTTPS://{HOST}{path}",
            "default port": f"https://{HOST}:443{path}",
            "empty path": f"https://{run.run_id}.{HOST}",
            "query without a path": f"https://{run.run_id}.{HOST}?a=1",
            "slash at the end": f"https://{HOST}{path}/",
            "two slashes": f"https://{HOST}/{path}//a",
            "dots": f"https://{HOST}{path}/b/../c/./d",
            "percent-encoded letter": f"https://{HOST}{path}/%7Ea%2fb%2Fc",
            "order of the query": f"https://{HOST}{path}?b=2&a=1&b=0&c",
            "plus and percent-encoded space": f"https://{HOST}{path}?q=a+b%20c",
        },
    )


@rests_on("pulumi_truto/webhook/inputs.py::_target_url_errors")
def non_ascii_url(run: Run) -> Finding:
    """A URL with other than ASCII letters comes back unchanged, or is refused."""
    return _spellings(
        run, {"letter in the path": run.new_url() + "/\u00e9", "name": f"https://\u00e9.{HOST}/{run.run_id}"}
    )


def _spellings(run: Run, urls: dict[str, str]) -> Finding:
    """Sets one webhook to one URL after another."""
    id_ = run.create().id
    found: dict[str, list[str]] = {"changed": [], "normalized": [], "refused": [], "unchanged": []}
    for name, url in urls.items():
        exchange = run.send_update(id_, target_url=url)
        if exchange.status in (400, 422):
            found["refused"].append(name)
            continue
        updated = Seen.of(expect_object(exchange), str(exchange))
        returned = {updated.target_url, run.read(id_).target_url}
        kind = "unchanged" if returned == {url} else "normalized"
        found[kind if all(urls_equal(url, each) for each in returned) else "changed"].append(name)
    observed = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in found.items() if names)
    if found["changed"]:
        return contradicted(observed)
    return confirmed("unchanged" if len(found["unchanged"]) == len(urls) else observed)
