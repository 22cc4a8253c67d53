"""The provider that most teams write, to compare with: `requests` in a `pulumi.dynamic` class, and no more."""

from __future__ import annotations

from typing import Any

import pulumi
import requests
from pulumi.dynamic import ConfigureRequest, CreateResult, ReadResult, Resource, ResourceProvider, UpdateResult

SENT = ("target_url", "event_types", "is_active")


class NaiveProvider(ResourceProvider):
    def configure(self, req: ConfigureRequest) -> None:
        self.url = f"{req.config.require('truto:baseUrl')}/webhook"
        self.headers = {"Authorization": f"Bearer {req.config.require('truto:apiToken')}"}

    def create(self, props: dict[str, Any]) -> CreateResult:
        body = {name: props[name] for name in SENT}
        response = requests.post(self.url, json=body, headers=self.headers, timeout=30)
        response.raise_for_status()
        return CreateResult(response.json()["id"], {**props, **response.json()})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        response = requests.get(f"{self.url}/{id_}", headers=self.headers, timeout=30)
        response.raise_for_status()
        return ReadResult(id_, {**props, **response.json()})

    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        body = {name: news[name] for name in SENT}
        response = requests.patch(f"{self.url}/{id_}", json=body, headers=self.headers, timeout=30)
        response.raise_for_status()
        return UpdateResult({**olds, **news, **response.json()})

    def delete(self, id_: str, _props: dict[str, Any]) -> None:
        requests.delete(f"{self.url}/{id_}", headers=self.headers, timeout=30).raise_for_status()


class Webhook(Resource):
    def __init__(self, name: str, target_url: str, event_types: list[str], is_active: bool = True) -> None:
        props = {"target_url": target_url, "event_types": event_types, "is_active": is_active, "secret": None}
        super().__init__(NaiveProvider(), name, props, pulumi.ResourceOptions(additional_secret_outputs=["secret"]))
