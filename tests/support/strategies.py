"""Hypothesis strategies: valid inputs of a webhook, odd strings, and values of any type."""

from __future__ import annotations

import string

from hypothesis import HealthCheck, settings, strategies as st

from pulumi_truto.event_types import EventType
from pulumi_truto.resource_type import UNKNOWN
from tests.support.validation import URL

KNOWN_EVENT_TYPES = [event_type.value for event_type in EventType]

#: A slow machine must not fail a test.
no_deadline = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

#: Strings, with a preference for those that break URL parsers.
ODD_STRINGS = st.text() | st.text(alphabet="htps:/[]@#?.%0123456789aZ \n\t\x00\ud800\u2100\u00e9", max_size=40)
ODD_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers().map(lambda number: number * 10**320)
    | st.floats()
    | st.complex_numbers()
    | st.decimals()
    | ODD_STRINGS
    | ODD_STRINGS.map(lambda suffix: "https://" + suffix)
    | st.binary()
    | st.sampled_from([UNKNOWN, EventType.RECORD_ANY, object(), URL, "record:created", "true"])
)
ANYTHING = st.recursive(
    ODD_SCALARS,
    lambda values: (
        st.lists(values, max_size=5)
        | st.lists(values, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=5), values, max_size=3)
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
    st.sampled_from(KNOWN_EVENT_TYPES)
    | st.from_regex(r"[^\s:]{1,8}:[^\s:]{1,8}", fullmatch=True)
    | st.just(EventType.RECORD_META),
    max_size=6,
)
#: The inputs of a webhook as a program declares them.
DECLARED_INPUTS = st.fixed_dictionaries(
    {"target_url": URLS, "event_types": st.none() | EVENT_TYPES, "is_active": st.none() | st.booleans()}
)
