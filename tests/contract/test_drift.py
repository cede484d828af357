"""What a newer description of the API has that we lack, as `scripts/drift.py` prints it."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from contract.description import FOLDER, needs_the_documents
from contract.drift import files_of, main

ROOT: Final = Path(__file__).parent.parent.parent
LIST: Final = "/api/v2/public/webhook"
ONE: Final = "/api/v2/public/webhook/{id}"
TEXT: Final = {"type": "string"}
OLDER: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "paths": {
        LIST: {
            "get": {
                "security": [{"Org API Key": []}],
                "parameters": [{"$ref": "#/components/parameters/Page"}],
                "responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": TEXT}}}}},
            },
            "post": {
                "security": [{"Org API Key": []}, {"Linked Account Token": []}],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["url"],
                                "properties": {"url": TEXT, "kind": {"type": "string", "enum": ["a", "b"]}},
                            }
                        }
                    },
                },
                "responses": {
                    "201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Webhook"}}}},
                    "400": {"description": "Refused."},
                },
            },
        },
        ONE: {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": TEXT}],
            "delete": {"security": [], "responses": {"204": {"description": "Deleted."}}},
        },
    },
    "components": {
        "parameters": {"Page": {"name": "page", "in": "query", "schema": {"type": "integer"}}},
        "schemas": {
            "Webhook": {
                "type": "object",
                "properties": {"_id": TEXT, "parts": {"type": "array", "items": {"type": "object", "properties": {}}}},
            }
        },
    },
}

Change = Callable[[dict[str, Any]], object]


def _of_create(description: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = description["paths"][LIST]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return schema


def _properties(description: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = description["components"]["schemas"]["Webhook"]["properties"]
    return properties


# fmt: off
CHANGES: Final[tuple[tuple[Change, str, str], ...]] = (
    (lambda new: new["paths"].update({"/api/v2/public/new/{id}": {"get": {"responses": {"202": {}}}}}),
     "GET /api/v2/public/new/{id}", "is new, and answers 202: nothing"),
    (lambda new: new["paths"].update({f"{LIST}/all": {**new["paths"][LIST]}}),
     f"GET {LIST}/all", "takes page in the query: integer"),
    (lambda new: new["paths"].pop(ONE), f"DELETE {ONE}", "is no longer described"),
    (lambda new: new["components"]["parameters"]["Page"].update(name="skip"),
     f"GET {LIST}", "takes skip in the query: integer"),
    (lambda new: new["components"]["parameters"]["Page"].update(name="skip"),
     f"GET {LIST}", "does not take page in the query"),
    (lambda new: new["components"]["parameters"]["Page"].update(schema=TEXT),
     f"GET {LIST}", "page in the query is of another type: text, and not integer"),
    (lambda new: new["components"]["parameters"]["Page"].update(required=True),
     f"GET {LIST}", "requires page in the query"),
    (lambda new: _of_create(new)["properties"].update(note=TEXT), f"POST {LIST}", "takes note in the body: text"),
    (lambda new: _of_create(new).update(required=["url", "kind"]), f"POST {LIST}", "requires kind in the body"),
    (lambda new: _of_create(new).update(required=[]), f"POST {LIST}", "does not require url in the body"),
    (lambda new: _of_create(new)["properties"]["kind"].update(enum=["a", "b", "c"]),
     f"POST {LIST}", "kind in the body is of another type: text (a, b, c), and not text (a, b)"),
    (lambda new: _of_create(new).update(additionalProperties=True),
     f"POST {LIST}", "takes a body of fields of any name"),
    (lambda new: new["paths"][LIST]["post"]["requestBody"].update(required=False),
     f"POST {LIST}", "does not require a body"),
    (lambda new: new["paths"][LIST]["post"].update(security=[{"Org API Key": []}]),
     f"POST {LIST}", "is authenticated by key"),
    (lambda new: new["paths"][LIST]["post"]["responses"].update({"409": {}}), f"POST {LIST}", "answers 409"),
    (lambda new: new["paths"][LIST]["post"]["responses"].pop("400"), f"POST {LIST}", "no longer answers 400"),
    (lambda new: new["paths"][ONE]["delete"].update(responses={"200": {}}),
     f"DELETE {ONE}", "answers 200 if it succeeds, and not 204"),
    (lambda new: _properties(new).update(made={"type": "string", "format": "date-time"}),
     f"POST {LIST}", "has made: moment"),
    (lambda new: _properties(new).pop("_id"), f"POST {LIST}", "has no _id"),
    (lambda new: _properties(new)["parts"]["items"]["properties"].update(name={"type": ["string", "null"]}),
     f"POST {LIST}", "has parts[].name: text or null"),
    (lambda new: _properties(new)["parts"].update(items=TEXT),
     f"POST {LIST}", "parts[] is of another type: text, and not an object"),
)
# fmt: on


def _file(folder: Path, name: str, description: dict[str, Any]) -> str:
    path = folder / name
    path.write_text(json.dumps(description), encoding="utf-8")
    return str(path)


def _printed(lines: str) -> dict[str, list[str]]:
    """Return what is printed of each operation."""
    parts = [part.splitlines() for part in lines.split("\n\n")[:-1]]
    return {part[0]: [line.strip() for line in part[1:]] for part in parts}


@pytest.mark.parametrize(("change", "operation", "said"), CHANGES, ids=[said for _, _, said in CHANGES])
def test_what_a_newer_description_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Change, operation: str, said: str
) -> None:
    """Each change is printed under its operation, and nothing else of it."""
    newer = copy.deepcopy(OLDER)
    change(newer)
    assert main([_file(tmp_path, "older.json", OLDER), _file(tmp_path, "newer.json", newer)]) == 1
    printed = capsys.readouterr().out
    assert said in _printed(printed)[operation]
    assert printed.rstrip().endswith("CONTRIBUTING.md says how to add them.")


def test_the_same_description(tmp_path: Path) -> None:
    """The script says that nothing has changed."""
    older = _file(tmp_path, "older.json", OLDER)
    command = [sys.executable, str(ROOT / "scripts" / "drift.py"), older, older]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "Nothing has changed.\n", "")


def test_a_description_and_our_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the table lacks is printed, and what it has that is no longer described."""
    main([_file(tmp_path, "newer.json", OLDER)])
    printed = _printed(capsys.readouterr().out)
    assert "takes url in the body: text, required" in printed[f"POST {LIST}"]
    assert "does not take webhook_url in the body" in printed[f"POST {LIST}"]
    assert printed["GET /api/v2/public/session/active-linked-account"][0] == "is no longer described"
    assert not any("response" in operation for operation in printed)  # from a client of Refold, not from a description


def test_files() -> None:
    """They are those to edit, for a new operation those of the one most like it."""
    ours = [
        "refold_async/resources/webhooks.py",
        "refold_async/models/webhooks.py",
        "refold_async/testing/endpoints/webhooks.py",
        "tests/contract/facts/webhooks.py",
        "tests/contract/calls/webhooks.py",
    ]
    assert files_of(f"GET {ONE}") == files_of(f"POST {ONE}/new") == ours
    assert all((ROOT / name).is_file() for name in ours)


@needs_the_documents
def test_the_description_that_we_have(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing of it is missing, except operations without a method."""
    main([str(FOLDER / "openapi.yaml")])
    printed = _printed(capsys.readouterr().out)
    assert all(whats[0].startswith("is new") for whats in printed.values())
