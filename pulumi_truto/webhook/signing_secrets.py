"""The secrets that a receiver has to accept now, as a resource: the current one, and earlier ones for a while.

It makes no API call. The state says when each earlier secret was replaced, and the first update after the overlap
removes it.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from pulumi_truto.input_errors import describe_type
from pulumi_truto.resource_type import UNKNOWN, Property, ResourceType, Values
from pulumi_truto.times import utc_text

if TYPE_CHECKING:
    from pulumi_truto.session import ProviderSession

__all__ = ["IMPORT_OR_REPLACE", "REPLACED_AT", "SIGNING_SECRETS", "SigningSecretsType"]

#: When each earlier secret was replaced, as Unix times in the order of ``accepted``. It is part of the state only.
REPLACED_AT: Final = "__replaced_at"

#: The remedy for a webhook whose secret this stack does not have.
IMPORT_OR_REPLACE: Final = (
    "If you have the secret, run `pulumi state delete <urn>`, then import the webhook with it (see `pulumi-truto "
    "import-file --help`); otherwise replace the webhook, for example with `pulumi up --replace <urn>`"
)


def _check_current(value: object, _api_on_loopback: bool) -> tuple[list[str], list[str]]:
    # Go programs pass an empty string where Truto's secret is null.
    if value is None or (isinstance(value, str) and not value.strip()):
        state = "null" if value is None else "empty"
        return [f"is {state} because this stack does not know the webhook's secret. {IMPORT_OR_REPLACE}"], []
    if not isinstance(value, str):
        return [f"must be a string, not {describe_type(value)}: pass `orders.secret`"], []
    return [], []


def _check_overlap_hours(value: object, _api_on_loopback: bool) -> tuple[list[str], list[str]]:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    is_valid = is_number and math.isfinite(value) and value >= 0  # type: ignore[arg-type, operator]  # is_number says so
    return ([] if is_valid else ["must be a number of hours, 0 or more"]), []


_PROPERTIES: Final = (
    Property(
        name="current",
        type="string",
        output="The webhook's secret.",
        input="The webhook's secret: `orders.secret`. When it changes, the earlier one stays accepted for the overlap.",
        is_required=True,
        is_secret=True,
        check=_check_current,
    ),
    Property(
        name="overlap_hours",
        type="number",
        output="How long an earlier secret stays accepted, in hours.",
        input="How long an earlier secret stays accepted, in hours. The first update after that removes it. 0 means "
        "the next update.",
        default=1,
        check=_check_overlap_hours,
    ),
    Property(
        name="accepted",
        type="array",
        items="strings",
        output="The secrets that the receiver has to accept, the newest first.",
        is_secret=True,
        changes_on_update=True,
    ),
    Property(
        name="rotated_at",
        type="string",
        output="When `current` last changed, at first when this resource was created: UTC, as "
        "`2024-09-01T10:00:00.000Z`.",
        changes_on_update=True,
    ),
)


class SigningSecretsType(ResourceType):
    """The accepted secrets. No verb makes an API call."""

    name = "SigningSecrets"
    properties = _PROPERTIES
    hidden = (REPLACED_AT,)
    can_import = False

    def changes(self, state: Mapping[str, Any], inputs: Values) -> Values:
        """Also the accepted secrets, if the overlap of one is over."""
        changed = super().changes(state, inputs)
        if not changed and len(_earlier(state, inputs["overlap_hours"])) < len(state[REPLACED_AT]):
            changed["accepted"] = UNKNOWN
        return changed

    def create(self, session: ProviderSession, inputs: Values) -> tuple[str, Values]:
        return str(uuid.uuid4()), _state(inputs, {}, utc_text(datetime.now(timezone.utc)))

    def read(self, session: ProviderSession, id_: str, state: Values) -> Values | None:
        return state

    def update(
        self, session: ProviderSession, id_: str, state: Values, inputs: Values, ignored: Collection[str] = ()
    ) -> Values:
        earlier = _earlier(state, inputs["overlap_hours"])
        if inputs["current"] == state["current"]:
            return _state(inputs, earlier, state["rotated_at"])
        now = datetime.now(timezone.utc)
        return _state(inputs, {state["current"]: now.timestamp(), **earlier}, utc_text(now))

    def delete(self, session: ProviderSession, id_: str, state: Values) -> None:
        """Forgets the secrets."""


def _earlier(state: Mapping[str, Any], overlap_hours: float) -> dict[str, float]:
    """The earlier secrets whose overlap is not over, the newest first, and when each was replaced."""
    oldest = time.time() - overlap_hours * 3600
    pairs = zip(state["accepted"][1:], state[REPLACED_AT], strict=True)
    return {secret: replaced_at for secret, replaced_at in pairs if replaced_at > oldest}


def _state(inputs: Values, earlier: Mapping[str, float], rotated_at: str) -> Values:
    """The state. A current secret that was an earlier one is not listed twice."""
    kept = {secret: replaced_at for secret, replaced_at in earlier.items() if secret != inputs["current"]}
    return {
        **inputs,
        "accepted": [inputs["current"], *kept],
        "rotated_at": rotated_at,
        REPLACED_AT: list(kept.values()),
    }


SIGNING_SECRETS: Final = SigningSecretsType()
