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
    """The editable copy of a workflow, before it is published.

    Attributes:
        workflow: The workflow as it is edited; it is never published itself.
        published_as: The id of the workflow that publishing created or changed; None before that.
    """

    workflow: MockWorkflow
    published_as: str | None = None


@attrs.frozen
class PublishedVersion:
    """One published version of a workflow.

    Attributes:
        version_id: Its id.
        number: Its number, from 1 unless the publisher chose another.
        description: The publisher's description of it.
        order: How many versions there were before it.
    """

    version_id: str
    number: int
    description: str | None
    order: int


@attrs.define(eq=False)
class AccountWorkflows:
    """The workflows of one linked account.

    A change to a workflow of the catalogue applies only to this account.

    Args:
        catalogue: The workflows that every account has.
        linked_account_id: The account.
        account_number: The account's serial number; no two accounts have workflows with the same id.
        private_ids: The ids of the private workflows and drafts of all accounts; this account's are added.
    """

    _catalogue: Catalogue
    _linked_account_id: str
    _account_number: int
    _private_ids: set[str]
    # Private workflows, and changed workflows of the catalogue; None means that one of the catalogue was deleted.
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
        """Return the workflow or draft with this id or alias, or None."""
        draft = self._drafts.get(workflow_id)
        if draft is not None:
            return draft.workflow
        shared = self._catalogue.find_workflow(workflow_id)
        return self._own.get(workflow_id) if shared is None else self._own.get(shared.workflow_id, shared)

    def get(self, workflow_id: str) -> MockWorkflow:
        """Return the workflow or draft with this id or alias.

        Raises:
            Refused: It does not exist, or it is private to another account.
        """
        workflow = self.find(workflow_id)
        if workflow is not None:
            return workflow
        if workflow_id in self._private_ids:
            raise Refused(403, "Workflow is private to another linked account")
        raise Refused(404, "Workflow not found")

    def find_draft(self, draft_id: str) -> WorkflowDraft | None:
        """Return the draft with this id, or None."""
        return self._drafts.get(draft_id)

    def is_version(self, version_id: str) -> bool:
        """Return whether an id is that of a version."""
        return any(version.version_id == version_id for versions in self._versions.values() for version in versions)

    def create(self, name: str, slug: str, description: str) -> WorkflowDraft:
        """Create the draft of a private workflow. Once published and executed, it returns its payload.

        Args:
            name: Its display name.
            slug: The app it belongs to.
            description: What it does.
        """
        workflow = MockWorkflow(
            self._new_id(), slug, name, description, _return_the_payload, published=False, private=True
        )
        return self._add_draft(WorkflowDraft(workflow))

    def draft_of(self, workflow: MockWorkflow) -> WorkflowDraft:
        """Return the draft of a workflow: the workflow itself if it is a draft, else a copy, made the first time."""
        workflow_id = workflow.workflow_id
        for draft in self._drafts.values():
            if workflow_id in (draft.workflow.workflow_id, draft.published_as):
                return draft
        copy = attrs.evolve(workflow, workflow_id=self._new_id(), aliases=(), published=False)
        return self._add_draft(WorkflowDraft(copy, published_as=workflow_id))

    def publish(self, draft: WorkflowDraft, number: int | None = None, description: str | None = None) -> MockWorkflow:
        """Publish a draft as a new version.

        Args:
            draft: What to publish. It stays, and can be published again.
            number: The version's number; None uses the highest one plus 1.
            description: What is new in it.

        Returns:
            The published workflow, which has an id of its own.
        """
        edited = draft.workflow
        if draft.published_as is None:
            draft.published_as = self._new_id()
            earlier = attrs.evolve(edited, workflow_id=draft.published_as)
        else:
            earlier = self.find(draft.published_as) or edited
        versions = self.versions(draft.published_as)
        if number is None:
            number = max((version.number for version in versions), default=0) + 1
        versions.append(PublishedVersion(self._new_id(), number, description, len(versions)))
        workflow = attrs.evolve(
            earlier, name=edited.name, description=edited.description, published=True, version=number
        )
        self._own[draft.published_as] = workflow
        if draft.published_as not in self._catalogue.workflows:
            self._private_ids.add(draft.published_as)
        return workflow

    def unpublish(self, workflow: MockWorkflow) -> MockWorkflow:
        """Unpublish a workflow: it stays, but cannot be executed until its draft is published again."""
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
        for draft in [draft for draft in self._drafts.values() if draft.published_as == workflow_id]:
            self.delete_draft(draft)
        self._versions.pop(workflow_id, None)
        self._private_ids.discard(workflow_id)
        if workflow_id in self._catalogue.workflows:
            self._own[workflow_id] = None
        else:
            self._own.pop(workflow_id, None)

    def delete_draft(self, draft: WorkflowDraft) -> None:
        """Delete only a draft; what was published from it stays."""
        draft_id = draft.workflow.workflow_id
        self._drafts.pop(draft_id, None)
        self._private_ids.discard(draft_id)

    def forget(self) -> None:
        """Remove its ids from the private ids of all accounts."""
        self._private_ids.difference_update(self._drafts, self._own)

    def document(self, workflow: MockWorkflow) -> dict[str, Any]:
        """Return a workflow, or the workflow of a draft, as the API shows it."""
        return workflow.document(self._catalogue.app(workflow.slug))

    def listed(self, workflow: MockWorkflow) -> dict[str, Any]:
        """Return a workflow as lists show it, with the account."""
        return {**self.document(workflow), "linked_account_id": self._linked_account_id}

    def draft_document(self, draft: WorkflowDraft) -> dict[str, Any]:
        """Return a draft as the editor gets it."""
        return {
            **self.listed(draft.workflow),
            "associated_workflow": draft.published_as,
            "enable_schema_validation": False,
        }

    def version_document(self, workflow: MockWorkflow, version: PublishedVersion) -> dict[str, Any]:
        """Return a version of a workflow as a list of versions shows it."""
        document = {
            **self.listed(workflow),
            "_id": version.version_id,
            "version": version.number,
            "createdAt": timestamp(version.order),
            "updatedAt": timestamp(version.order),
        }
        return document if version.description is None else {**document, "description": version.description}

    def _add_draft(self, draft: WorkflowDraft) -> WorkflowDraft:
        self._drafts[draft.workflow.workflow_id] = draft
        self._private_ids.add(draft.workflow.workflow_id)
        return draft

    def _new_id(self) -> str:
        self._ids += 1
        return f"6b{self._account_number:012x}{self._ids:010x}"


async def _return_the_payload(_context: WorkflowContext, payload: Any) -> Any:
    return payload
