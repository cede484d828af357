"""The configs of one linked account: the values of fields, and which workflows are enabled, for each app."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, Final

import attrs

from refold_async.testing.catalogue.apps import MockApp, MockWorkflow
from refold_async.testing.protocol.replies import Refused

__all__ = ["AccountConfigs", "MockConfig"]

_MAPS: Final = frozenset({"map", "map_v2"})


@attrs.define(eq=False)
class MockConfig:
    """One config of a linked account.

    Attributes:
        slug: The app.
        config_id: Its id.
        installation_id: The id of its record.
        fields: The fields of the app in it, as the API shows them.
        enabled: Whether workflows run for it, by their ids; those that are missing do.
        workflow_fields: The fields of workflows in it, by the ids of the workflows.
        tenant_config: Whether it is the config of the tenant.
        datastores: The records of its datastores, by the names of these.
    """

    slug: str
    config_id: str
    installation_id: str
    fields: list[dict[str, Any]]
    enabled: dict[str, bool] = attrs.field(factory=dict[str, bool])
    workflow_fields: dict[str, list[dict[str, Any]]] = attrs.field(factory=dict[str, list[dict[str, Any]]])
    tenant_config: bool = False
    datastores: dict[str, list[dict[str, Any]]] = attrs.field(factory=dict[str, list[dict[str, Any]]])

    def fields_of(self, workflow: MockWorkflow | None) -> list[dict[str, Any]]:
        """Return the fields of a workflow, or those of the app.

        Args:
            workflow: The workflow; None means the app.
        """
        if workflow is None:
            return self.fields
        return self.workflow_fields.setdefault(workflow.workflow_id, merged(workflow.config_fields, ()))

    def map_labels(self, labels: Any) -> None:
        """Set the labels of all field mappings.

        Args:
            labels: An object, or a list of objects with `name` and `value`.
        """
        for field in self.fields:
            if field.get("field_type") in _MAPS:
                field["labels"] = labels

    def workflow_document(self, workflow: MockWorkflow) -> dict[str, Any]:
        """Return a workflow as the API shows it in this config.

        Args:
            workflow: The workflow.
        """
        return {
            "id": workflow.workflow_id,
            "name": workflow.name,
            "description": workflow.description,
            "icon": "",
            "enabled": self.enabled.get(workflow.workflow_id, True),
            "fields": self.fields_of(workflow),
        }


@attrs.define(eq=False)
class AccountConfigs:
    """All configs of one linked account.

    Args:
        linked_account_id: The account, whose id is that of a config if a call names none.
        account_number: The account's serial number; no two accounts have records with the same id.
    """

    _linked_account_id: str
    _account_number: int
    _by_id: dict[tuple[str, str], MockConfig] = attrs.field(factory=dict[tuple[str, str], MockConfig], init=False)
    _created: int = attrs.field(default=0, init=False)

    def find(self, slug: str, config_id: str | None = None, *, tenant: bool = False) -> MockConfig | None:
        """Return a config, or None.

        Args:
            slug: The app.
            config_id: Its id; None means that of the linked account or, with `tenant`, any.
            tenant: Whether it must be the config of the tenant.
        """
        if tenant:
            return next(
                (config for config in self.all(slug) if config.tenant_config and config_id in (None, config.config_id)),
                None,
            )
        return self._by_id.get((slug, config_id or self._linked_account_id))

    def get(self, slug: str, config_id: str | None = None, *, tenant: bool = False) -> MockConfig:
        """Return a config, as `find` does.

        Raises:
            Refused: 404, there is none.
        """
        config = self.find(slug, config_id, tenant=tenant)
        if config is None:
            raise Refused(404, f"Config with config id {config_id or self._linked_account_id} not found")
        return config

    def get_or_create(self, app: MockApp, config_id: str | None = None) -> tuple[MockConfig, bool]:
        """Return a config, which is created if there is none, and whether it was.

        Args:
            app: The app.
            config_id: Its id; None means that of the linked account.
        """
        config = self.find(app.slug, config_id)
        if config is not None:
            return config, False
        self._created += 1
        number = f"6a3144e5{self._account_number:08x}{self._created:08x}"
        config_id = config_id or self._linked_account_id
        config = MockConfig(app.slug, config_id, number, merged(app.config_fields, ()))
        self._by_id[app.slug, config_id] = config
        return config, True

    def without_values(self, app: MockApp) -> MockConfig:
        """Return what the default config of an app would be, without creating it."""
        return MockConfig(app.slug, self._linked_account_id, "", merged(app.config_fields, ()))

    def all(self, slug: str) -> list[MockConfig]:
        """Return the configs for an app, oldest first."""
        return [config for config in self._by_id.values() if config.slug == slug]

    def delete(self, config: MockConfig) -> None:
        """Delete a config."""
        del self._by_id[config.slug, config.config_id]

    def enables(self, workflow: MockWorkflow) -> bool:
        """Return whether a workflow runs for the default config of its app; without a config it does."""
        config = self.find(workflow.slug)
        return config is None or config.enabled.get(workflow.workflow_id, True)


def merged(fields: Sequence[Mapping[str, Any]], given: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the fields of an app or a workflow, each with what a caller gave for it, and then the caller's others."""
    by_id: dict[str, dict[str, Any]] = {field["id"]: dict(deepcopy(field)) for field in fields}
    for field in given:
        by_id.setdefault(field["id"], {}).update(field)
    return list(by_id.values())
