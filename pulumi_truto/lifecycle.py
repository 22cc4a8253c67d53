"""Create, read, update and delete a webhook: the rules carried out with the client. Must not import pulumi.

Both ways in, the dynamic provider and any other, translate their requests to these four methods.
A state is a plain dict as `rules.keep` makes it; no method changes the one it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pulumi_truto import rules
from pulumi_truto.client import TrutoClient
from pulumi_truto.creation import Creation
from pulumi_truto.errors import RECORDED_SETTINGS, InvalidResponseError, NotFoundError, WrongEnvironmentError
from pulumi_truto.reading import Reading

__all__ = ["Webhooks"]

State = dict[str, Any]


class Webhooks:
    """The webhooks of one Truto environment, safe to use from several threads.

    Args:
        client: the client of that environment.
        warn: tells the user something that is no error.
    """

    def __init__(self, client: TrutoClient, warn: Callable[[str], None]) -> None:
        self._client = client
        self._warn = warn
        self._creation = Creation(client, warn)
        self._reading = Reading(client)

    def create(self, inputs: Mapping[str, Any]) -> tuple[str, State]:
        """Creates exactly one webhook, or takes over the one that ``adopt`` names; returns its id and state.

        Raises:
            TrutoError: there is no new webhook, or none that can be told from others (`AmbiguousCreateError`).
        """
        self._client.conceal(inputs.get("known_secret"))
        adopted = inputs.get("adopt")
        if adopted:
            try:
                state = self._known(adopted, {"secret": inputs.get("known_secret"), "adopt": adopted})
            except NotFoundError as error:
                raise NotFoundError(
                    f"cannot adopt the webhook {adopted}: there is none with this id that the API token may see. "
                    "Correct `adopt`, or remove it to create a new webhook",
                    status=error.status,
                    detail=error.detail,
                ) from None
            return adopted, self.update(adopted, state, inputs)
        webhook = self._creation.create(rules.create_body(inputs))
        return webhook.id, rules.keep(webhook, {"target_url": inputs["target_url"]})

    def read(self, id_: str, state: Mapping[str, Any]) -> State | None:
        """The state as Truto has it now, with what only we know kept; ``None`` if the webhook is gone.

        An empty state means that the webhook was never ours and has to be there.

        Raises:
            NotFoundError: the state is empty, and there is no such webhook.
            WrongEnvironmentError: the token belongs to another environment than the webhook.
        """
        self._client.conceal(state.get("secret"))
        try:
            return self._known(id_, state)
        except NotFoundError:
            if not state.get("target_url"):
                raise
            self._gone(id_, state)
            return None

    def update(self, id_: str, state: Mapping[str, Any], inputs: Mapping[str, Any]) -> State:
        """Sends what changed, and only that; nothing at all where nothing did."""
        state = {**state, "secret": state.get("secret") or rules.learn(state, inputs)}
        self._client.conceal(state["secret"])
        body = rules.changes(state, inputs)
        if not body:
            return state
        try:
            webhook = self._client.update_webhook(id_, body)
        except NotFoundError as error:
            doubt = self._doubt_that_gone(id_, state)
            raise NotFoundError(
                f"cannot update the webhook {id_}: Truto answered 404, so it was deleted outside Pulumi. Run "
                "`pulumi up --refresh` (or `pulumi refresh`, then `pulumi up`) to create it again, with a new secret"
                f"{'. But: ' + doubt if doubt else ''}",
                status=error.status,
                detail=error.detail,
            ) from None
        finally:
            self._reading.forget(id_)
        fresh = rules.keep(webhook, {**state, "target_url": inputs["target_url"]})
        others = rules.changes(fresh, inputs)
        if others:
            self._warn(
                f"the webhook {id_} was changed outside Pulumi as well, in {' and '.join(others)}, which the next "
                "`pulumi up` brings back to what is declared"
            )
        return fresh

    def delete(self, id_: str, state: Mapping[str, Any]) -> None:
        """Deletes the webhook. One that is already gone is deleted well enough."""
        self._client.conceal(state.get("secret"))
        try:
            self._client.delete_webhook(id_)
        except NotFoundError:
            self._gone(id_, state)
        except InvalidResponseError as error:
            # A proxy may have answered in Truto's place: what counts is whether the webhook is there.
            try:
                self._client.get_webhook(id_)
            except NotFoundError:
                self._gone(id_, state)
            else:
                raise error from None
        finally:
            self._reading.forget(id_)

    def _known(self, id_: str, state: Mapping[str, Any]) -> State:
        """The state of a webhook that is there, with a warning if its secret is not known."""
        fresh = rules.keep(self._reading.get(id_), state)
        if not fresh["secret"]:
            self._warn(
                f"the secret of the webhook {id_} is not known: Truto shows it only once, when the webhook is "
                "created. Its output `secret` is null. For a webhook that this stack manages, give the secret as "
                "`known_secret` (`knownSecret`) if you have it"
            )
        return fresh

    def _gone(self, id_: str, state: Mapping[str, Any]) -> None:
        """Takes the webhook as gone, with a warning where that is in doubt; raises where it is not gone."""
        doubt = self._doubt_that_gone(id_, state)
        if doubt:
            self._warn(f"the webhook {id_} is taken as gone, as Truto answers 404. {doubt}")

    def _doubt_that_gone(self, id_: str, state: Mapping[str, Any]) -> str:
        """Raises if a 404 for this webhook does not mean "gone" but "not in this token's environment".

        Truto answers both the same. The list proves that the token works, and shows its environment as soon as
        there is one webhook in it. Where there is none it returns what the user should know: the last webhook of an
        environment can be gone as well, and must not block a refresh for ever.
        """
        declared = state.get("environment_id")
        confirmed = not declared
        for webhook in self._client.iter_webhooks():
            if webhook.id == id_:
                raise NotFoundError(
                    f"Truto answers 404 for the webhook {id_} and lists it all the same. Nothing was changed; try "
                    "again later",
                    status=404,
                )
            if declared and webhook.environment_id and webhook.environment_id != declared:
                raise WrongEnvironmentError(
                    f"the webhook {id_} belongs to the Truto environment {declared}, and the API token to the "
                    f"environment {webhook.environment_id}. Nothing was changed. Use a token of the first one; "
                    f"if the webhook shall move, destroy it with the old token first. {RECORDED_SETTINGS}"
                )
            confirmed = confirmed or webhook.environment_id == declared
        if confirmed:
            return ""
        return (
            "The API token sees no webhook at all, so it cannot be told which environment it belongs to: if that is "
            f"not {declared}, set the right token, as the webhook may still be there. {RECORDED_SETTINGS}"
        )
