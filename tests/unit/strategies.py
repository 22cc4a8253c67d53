"""Hypothesis strategies: the inputs of a webhook, and anything at all."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, settings, strategies as st

from pulumi_truto.event_types import EventType
from pulumi_truto.webhook.inputs import UNKNOWN, check

URL = "https://hooks.example.com/truto"
KNOWN = [each.value for each in EventType]

#: A busy machine is slow, and that is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ODD_TEXTS = st.text() | st.text(alphabet="htps:/[]@#?.%0123456789aZ \n\t\x00\ud800\u2100\u00e9", max_size=40)
ODD_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers().map(lambda number: number * 10**320)
    | st.floats()
    | st.complex_numbers()
    | st.decimals()
    | ODD_TEXTS
    | ODD_TEXTS.map(lambda text: "https://" + text)
    | st.binary()
    | st.sampled_from([UNKNOWN, EventType.RECORD_ANY, object(), URL, "record:created", "true"])
)
ANYTHING = st.recursive(
    ODD_SCALARS,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)

LABELS = st.text(alphabet=string.ascii_letters + string.digits, min_size=1, max_size=8)
PATHS = st.text(alphabet=string.ascii_letters + string.digits + "/%.-_~", max_size=12).map(lambda path: "/" + path)
URLS = st.builds(
    "{}://{}.example{}{}{}".format,
    st.sampled_from(["https", "HTTPS", "Https"]),
    LABELS,
    st.sampled_from(["", ":443", ":8443"]),
    st.just("") | PATHS,
    st.just("") | LABELS.map(lambda query: "?" + query),
)
EVENT_TYPES = st.lists(
    st.sampled_from(KNOWN) | st.from_regex(r"[^\s:]{1,8}:[^\s:]{1,8}", fullmatch=True) | st.just(EventType.RECORD_META),
    max_size=6,
)
WISHES = st.fixed_dictionaries(
    {"target_url": URLS, "event_types": st.none() | EVENT_TYPES, "is_active": st.none() | st.booleans()}
)


def canonical(wish: Mapping[str, Any]) -> Any:
    outcome = check(wish)
    assert outcome.errors == []
    return outcome.inputs
