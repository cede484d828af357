"""The workflows of one linked account: those of the catalogue, and private ones with their drafts and versions."""

from typing import Any

import attrs

from refold_async.testing.catalogue.apps import MockWorkflow
from refold_async.testing.catalogue.catalogue import Catalogue
from refold_async.testing.catalogue.handlers import WorkflowContext
from refold_async.testing.protocol.replies import Refused
from refold_async.testing.protocol.timestamps import timestamp

__all__ = ["AccountWorkflows", "PublishedVersion", "WorkflowDraft"]


@attrs.define(eq=False)
class WorkflowDraft:
    """What is edited before it is published.

    Attributes:
        workflow: The workflow as it is edited; it is never published itself.
        published_as: Id of the workflow that publishing made or changed; None before.
    """

    workflow: MockWorkflow
    published_as: str | None = None

    def document(self) -> dict[str, Any]:
        """Return the draft as the editor is given it."""
        return {
            "_id": self.workflow.workflow_id,
            "associated_workflow": self.published_as,
            "name": self.workflow.name,
            "slug": self.workflow.slug,
            "published": False,
            **self.workflow.graph(),
            "data_slots": [],
            "createdAt": timestamp(),
            "updatedAt": timestamp(),
        }


@attrs.frozen
class PublishedVersion:
    """What one publishing left.

    Attributes:
        version_id: Its id.
        number: Its number, from 1 unless the publisher said otherwise.
        description: What the publisher said about it.
        order: How many versions there were before it.
    """

    version_id: str
    number: int
    description: str | None
    order: int

    def document(self) -> dict[str, Any]:
        """Return the version as a list of versions shows it."""
        return {
            "_id": self.version_id,
            "version": self.number,
            "description": self.description,
            "createdAt": timestamp(self.order),
        }


@attrs.define(eq=False)
class AccountWorkflows:
    """The workflows of one linked account.

    What the account changes of a workflow of the catalogue, it changes for itself alone.

    Args:
        catalogue: The workflows that every account has.
        account_number: The account's serial number; no two accounts have workflows of the same id.
    """

    _catalogue: Catalogue
    _account_number: int
    # Private workflows, and those of the catalogue that were changed; None stands for a deleted one of the catalogue.
    _own: dict[str, MockWorkflow | None] = attrs.field(factory=dict[str, MockWorkflow | None], init=False)
    _drafts: dict[str, WorkflowDraft] = attrs.field(factory=dict[str, WorkflowDraft], init=False)
    _versions: dict[str, list[PublishedVersion]] = attrs.field(factory=dict[str, list[PublishedVersion]], init=False)
    _ids: int = attrs.field(default=0, init=False)

    def all(self) -> list[MockWorkflow]:
        """Return the catalogue's workflows, then the private ones, then the drafts that were never published."""
        workflows = {**self._catalogue.workflows, **self._own}
        drafts = [draft.workflow for draft in self._drafts.values() if draft.published_as is None]
        return [workflow for workflow in workflows.values() if workflow is not None] + drafts

    def find(self, workflow_id: str) -> MockWorkflow | None:
        """Return the workflow or the draft of this id or alias, or None."""
        draft = self._drafts.get(workflow_id)
        if draft is not None:
            return draft.workflow
        shared = self._catalogue.find_workflow(workflow_id)
        return self._own.get(workflow_id) if shared is None else self._own.get(shared.workflow_id, shared)

    def get(self, workflow_id: str) -> MockWorkflow:
        """Return the workflow or the draft of this id or alias.

        Raises:
            Refused: There is none.
        """
        workflow = self.find(workflow_id)
        if workflow is None:
            raise Refused(404, f"Workflow {workflow_id} not found", "RESOURCE_NOT_FOUND")
        return workflow

    def find_draft(self, draft_id: str) -> WorkflowDraft | None:
        """Return the draft of this id, or None."""
        return self._drafts.get(draft_id)

    def is_version(self, version_id: str) -> bool:
        """Tell whether an id is that of a version."""
        return any(version.version_id == version_id for versions in self._versions.values() for version in versions)

    def create(self, name: str, slug: str, description: str) -> WorkflowDraft:
        """Make the draft of a private workflow, which returns its payload once it is published and executed.

        Args:
            name: Its name for people.
            slug: The app it belongs to.
            description: What it does.
        """
        workflow = MockWorkflow(
            self._new_id(), slug, name, description, _return_the_payload, published=False, private=True
        )
        return self._add_draft(WorkflowDraft(workflow))

    def draft_of(self, workflow: MockWorkflow) -> WorkflowDraft:
        """Return the draft that a workflow is edited in: it itself if it is one, else a copy made at the first time."""
        workflow_id = workflow.workflow_id
        for draft in self._drafts.values():
            if workflow_id in (draft.workflow.workflow_id, draft.published_as):
                return draft
        copy = attrs.evolve(workflow, workflow_id=self._new_id(), aliases=(), published=False)
        return self._add_draft(WorkflowDraft(copy, published_as=workflow_id))

    def publish(self, draft: WorkflowDraft, number: int | None = None, description: str | None = None) -> MockWorkflow:
        """Publish what a draft holds, as a new version.

        Args:
            draft: What to publish; it stays, and can be published again.
            number: The version's number; one more than the highest when None.
            description: What is new in it.

        Returns:
            The published workflow, which has an id of its own.
        """
        edited = draft.workflow
        if draft.published_as is None:
            draft.published_as = self._new_id()
            workflow = attrs.evolve(edited, workflow_id=draft.published_as, published=True)
        else:
            earlier = self.find(draft.published_as) or edited
            workflow = attrs.evolve(earlier, name=edited.name, description=edited.description, published=True)
        versions = self.versions(draft.published_as)
        if number is None:
            number = max((version.number for version in versions), default=0) + 1
        versions.append(PublishedVersion(self._new_id(), number, description, len(versions)))
        self._own[draft.published_as] = workflow
        return workflow

    def unpublish(self, workflow: MockWorkflow) -> MockWorkflow:
        """Take a published workflow back: it stays, but cannot be executed until its draft is published again."""
        self._own[workflow.workflow_id] = unpublished = attrs.evolve(workflow, published=False)
        return unpublished

    def versions(self, workflow_id: str) -> list[PublishedVersion]:
        """Return the versions of a workflow, oldest first. A published one of the catalogue starts with version 1."""
        if workflow_id not in self._versions:
            shared = self._catalogue.workflows.get(workflow_id)
            published = shared is not None and shared.published
            self._versions[workflow_id] = [PublishedVersion(self._new_id(), 1, None, 0)] if published else []
        return self._versions[workflow_id]

    def delete(self, workflow: MockWorkflow) -> None:
        """Delete a workflow with its drafts and versions; one of the catalogue stays for the other accounts."""
        workflow_id = workflow.workflow_id
        self._drafts = {key: draft for key, draft in self._drafts.items() if draft.published_as != workflow_id}
        self._versions.pop(workflow_id, None)
        if workflow_id in self._catalogue.workflows:
            self._own[workflow_id] = None
        else:
            self._own.pop(workflow_id, None)

    def _add_draft(self, draft: WorkflowDraft) -> WorkflowDraft:
        self._drafts[draft.workflow.workflow_id] = draft
        return draft

    def _new_id(self) -> str:
        self._ids += 1
        return f"6b{self._account_number:012x}{self._ids:010x}"


async def _return_the_payload(_context: WorkflowContext, payload: Any) -> Any:
    return payload
