"""The resources of a Pulumi program: `Webhook`, `NotificationDestination`, `SigningSecrets`, `WebhookTest` and
`Provider`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from pulumi_truto.dynamic import (
    NotificationDestinationProvider,
    SigningSecretsProvider,
    WebhookProvider,
    WebhookTestProvider,
)
from pulumi_truto.event_types import EventType
from pulumi_truto.resource import TrutoResource
from pulumi_truto.resource_type import DYNAMIC_PACKAGE
from pulumi_truto.webhook.signing_secrets import IMPORT_OR_REPLACE

__all__ = ["NotificationDestination", "Provider", "SigningSecrets", "Webhook", "WebhookTest"]


class Webhook(TrutoResource, provider=WebhookProvider):
    """A Truto webhook: Truto posts the events of one environment to a URL.

    Every property can be updated in place. A new secret needs a new webhook because Truto cannot rotate secrets:
    ``opts=pulumi.ResourceOptions(replacement_trigger=...)`` creates one whenever the trigger's value changes. Adding a
    trigger to a webhook that has none replaces nothing.

    Args:
        resource_name: the name in the Pulumi program.
        target_url: the ``https://`` URL that Truto posts the events to. At most 2,048 characters. No user name,
            password, whitespace or fragment.
        event_types: the event types to subscribe to, as a set of ``resource:event`` strings (see `EventType`): order
            and duplicates do not matter. ``None`` and ``[]`` mean every event. Unknown event types are passed on with a
            warning.
        is_active: whether Truto delivers events. Truto switches a webhook off after prolonged delivery failures:
            `pulumi refresh` shows that, and the next `pulumi up` switches it on again.
        opts: Pulumi's options. ``import_`` does not work with dynamic providers: import an existing webhook with
            ``pulumi import --file`` and the file that ``pulumi-truto import-file`` writes.
    """

    target_url: pulumi.Output[str]
    """The URL that Truto posts the events to."""
    event_types: pulumi.Output[list[str]]
    """The event types, sorted. Empty means every event."""
    is_active: pulumi.Output[bool]
    """Whether Truto delivers events."""
    secret: pulumi.Output[str | None]
    """The signing secret, for `truto.signature.verify`. Always a Pulumi secret. ``None`` if Truto never showed it to
    this stack: it does so only once, when the webhook is created."""
    environment_id: pulumi.Output[str]
    """The Truto environment. The API token determines it."""
    created_at: pulumi.Output[str]
    """When the webhook was created: UTC, as ``2024-09-01T10:00:00.000Z``."""
    updated_at: pulumi.Output[str]
    """When the webhook was last changed, in the same format."""

    def __init__(
        self,
        resource_name: str,
        target_url: pulumi.Input[str],
        event_types: pulumi.Input[Sequence[pulumi.Input[str | EventType]] | None] = None,
        is_active: pulumi.Input[bool | None] = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"target_url": target_url, "event_types": event_types, "is_active": is_active}
        super().__init__(resource_name, inputs, opts)

    def require_secret(self) -> pulumi.Output[str]:
        """The signing secret, for typed programs: `secret` is ``None`` if Truto never showed it to this stack.

        Returns:
            The secret, as a Pulumi secret. The run fails with the reason if it is not known.
        """
        return pulumi.Output.all(self.id, self.secret).apply(_require_secret)

    @staticmethod
    def get(resource_name: str, id: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None) -> Webhook:  # noqa: A002
        """Reads an existing webhook that this program does not manage.

        Its `secret` is ``None``, with a warning: Truto shows a secret only once, when the webhook is created.

        Args:
            resource_name: the name in the Pulumi program.
            id: the webhook's id at Truto.
            opts: Pulumi's options.

        Returns:
            The webhook. Pulumi neither changes nor deletes it.
        """
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        return Webhook(resource_name, None, opts=opts)  # type: ignore[arg-type]  # read, not declared


class NotificationDestination(TrutoResource, provider=NotificationDestinationProvider):
    """A destination of Truto's notifications: it notifies people, for example, when Truto switches a webhook off.

    A change of `type` replaces the destination; every other property can be updated in place. Truto's public API
    reference does not have this resource yet: it is less certain than `Webhook`.

    Args:
        resource_name: the name in the Pulumi program.
        type: ``"slack"`` or ``"email"``.
        config: where the notifications go; always a secret because of ``webhook_url``. For Slack: ``webhook_url``, an
            ``https://`` URL, and ``ignored_status_codes``, HTTP statuses that cause no notification. For email:
            ``to``, ``cc`` and ``bcc``, lists of addresses, and ``subject_prefix``.
        label: the name for people.
        event_types: the event types to subscribe to, as a set. ``None`` and ``[]`` mean every event.
        is_active: whether it gets notifications.
        opts: Pulumi's options. For an import see `Webhook`.
    """

    type: pulumi.Output[str]
    """``"slack"`` or ``"email"``."""
    config: pulumi.Output[Mapping[str, Any]]
    """Where the notifications go. Always a Pulumi secret."""
    label: pulumi.Output[str | None]
    """The name for people."""
    event_types: pulumi.Output[list[str]]
    """The event types that it is subscribed to, sorted. Empty means every event."""
    is_active: pulumi.Output[bool]
    """Whether it gets notifications."""
    environment_id: pulumi.Output[str]
    """The Truto environment. The API token determines it."""
    created_at: pulumi.Output[str]
    """When the destination was created: UTC, as ``2024-09-01T10:00:00.000Z``."""
    updated_at: pulumi.Output[str]
    """When the destination was last changed, in the same format."""

    def __init__(
        self,
        resource_name: str,
        type: pulumi.Input[str],  # noqa: A002 - the API's name
        config: pulumi.Input[Mapping[str, Any]],
        label: pulumi.Input[str | None] = None,
        event_types: pulumi.Input[Sequence[pulumi.Input[str]] | None] = None,
        is_active: pulumi.Input[bool | None] = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "type": type,
            # An input is in the state too, and only a secret one is encrypted there.
            "config": pulumi.Output.secret(config),
            "label": label,
            "event_types": event_types,
            "is_active": is_active,
        }
        super().__init__(resource_name, inputs, opts)

    @staticmethod
    def get(
        resource_name: str,
        id: pulumi.Input[str],  # noqa: A002
        opts: pulumi.ResourceOptions | None = None,
    ) -> NotificationDestination:
        """Reads an existing destination that this program does not manage; see `Webhook.get`."""
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        return NotificationDestination(resource_name, None, None, opts=opts)  # type: ignore[arg-type]  # read, not declared


class WebhookTest(TrutoResource, provider=WebhookTestProvider):
    """A deployment gate: Truto delivers its test event, and the run fails unless the receiver accepts it.

    The test runs when this resource is created, and again when the webhook is replaced or a trigger changes. Place it
    after the service that receives the events: ``opts=pulumi.ResourceOptions(depends_on=[service])``. A preview, a
    refresh and a destroy make no API call. A failed test is not part of the state, so the next `pulumi up` repeats it.

    Args:
        resource_name: the name in the Pulumi program.
        webhook_id: the id of the webhook to test.
        triggers: values of any kind. The test is repeated when one of them changes, as in ``[orders.target_url]``.
        retry_for_seconds: how long to retry while the receiver does not accept the test event, for example because it
            is starting. At most 3600.
        opts: Pulumi's options.
    """

    webhook_id: pulumi.Output[str]
    """The id of the tested webhook."""
    triggers: pulumi.Output[list[Any]]
    """A change of any of these values repeats the test."""
    retry_for_seconds: pulumi.Output[float]
    """The maximum time for retries, in seconds."""
    tested_at: pulumi.Output[str]
    """When the receiver accepted the test event: UTC, as ``2024-09-01T10:00:00.000Z``."""

    def __init__(
        self,
        resource_name: str,
        webhook_id: pulumi.Input[str],
        triggers: pulumi.Input[Sequence[Any] | None] = None,
        retry_for_seconds: pulumi.Input[float | None] = 0,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"webhook_id": webhook_id, "triggers": triggers, "retry_for_seconds": retry_for_seconds}
        super().__init__(resource_name, inputs, opts)


class SigningSecrets(TrutoResource, provider=SigningSecretsProvider):
    """The secrets that a receiver has to accept now: the current one, and earlier ones for a while.

    Give `accepted` to the service that receives the events. When a webhook is replaced, Pulumi creates the new one
    first, then gives the service both secrets, and deletes the old webhook last: no event is lost. No run makes an API
    call for this resource.

    Args:
        resource_name: the name in the Pulumi program.
        current: the webhook's secret: ``orders.secret``. When it changes, the earlier one stays accepted for the
            overlap.
        overlap_hours: how long an earlier secret stays accepted, in hours. The first `pulumi up` after that removes it.
            0 means the next `pulumi up`.
        opts: Pulumi's options.
    """

    current: pulumi.Output[str]
    """The webhook's secret. Always a Pulumi secret."""
    overlap_hours: pulumi.Output[float]
    """How long an earlier secret stays accepted, in hours."""
    accepted: pulumi.Output[list[str]]
    """The secrets that the receiver has to accept, the newest first, for `truto.signature.verify`. Always a Pulumi
    secret."""
    rotated_at: pulumi.Output[str]
    """When `current` last changed, at first when this resource was created: UTC, as ``2024-09-01T10:00:00.000Z``."""

    def __init__(
        self,
        resource_name: str,
        current: pulumi.Input[str | None],
        overlap_hours: pulumi.Input[float | None] = 1,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        # An input is in the state too, and only a secret one is encrypted there.
        inputs = {"current": pulumi.Output.secret(current), "overlap_hours": overlap_hours}
        super().__init__(resource_name, inputs, opts)


class Provider(pulumi.ProviderResource):
    """The settings of one Truto environment, for a program that uses several: an API token belongs to exactly one.

    Pass it to the resources of that environment with ``opts=pulumi.ResourceOptions(provider=...)``. A new token changes
    none of them.

    Args:
        resource_name: the name in the Pulumi program.
        api_token: the environment's API token; always a secret in the state. Default: the stack's ``truto:apiToken``,
            then the environment variable ``TRUTO_API_TOKEN``.
        base_url: the URL of Truto's API. Default: ``truto:baseUrl``, ``TRUTO_BASE_URL``, then
            ``https://api.truto.one``.
        environment_id: the Truto environment that the token must belong to. Nothing is changed in another one. Default:
            without ``api_token`` the stack's ``truto:environmentId``, then ``TRUTO_ENVIRONMENT_ID``; otherwise not
            checked.
        opts: Pulumi's options.
    """

    def __init__(
        self,
        resource_name: str,
        api_token: pulumi.Input[str | None] = None,
        base_url: pulumi.Input[str | None] = None,
        environment_id: pulumi.Input[str | None] = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        # A provider instance only sees its own inputs, so the stack's configuration is looked up here.
        config = pulumi.Config("truto")
        has_token = api_token not in (None, "")
        token = pulumi.Output.secret(api_token) if has_token else config.get_secret("apiToken")
        if environment_id in (None, "") and not has_token:
            environment_id = config.get("environmentId")
        super().__init__(
            DYNAMIC_PACKAGE,
            resource_name,
            {
                "truto:apiToken": token,
                # Lets messages distinguish a token of this provider from the stack's.
                "truto:providerName": resource_name if has_token else None,
                "truto:baseUrl": config.get("baseUrl") if base_url in (None, "") else base_url,
                "truto:environmentId": environment_id or None,
            },
            opts,
        )


def _require_secret(known: Sequence[Any]) -> str:
    id_, secret = known
    if not isinstance(secret, str):
        raise pulumi.RunError(f"the secret of webhook {id_} is not known. {IMPORT_OR_REPLACE}")
    return secret
