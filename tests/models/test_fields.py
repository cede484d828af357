"""Every field of every model, from JSON and back: what Refold sends is what the attribute holds."""

# pyright: reportUnknownVariableType=false
# (what is in a list or an object of JSON)

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import NoneType
from typing import Any, Final, Generic, get_args, get_origin

import attrs
import pytest

import refold_async.models
import refold_async.resources
from refold_async.codec.structuring.converters import converters, structure
from refold_async.codec.structuring.misfits import MisfitError, start_looking
from refold_async.models.linked_accounts import LinkedAccount
from refold_async.models.model import Model, Result

MOMENT: Final = "2026-06-16T11:35:25.951Z"
NOT_SENT: Final = {"raw", "meta", "return_value"}
"""What the client fills in by itself."""


def models() -> Iterator[type[Model]]:
    """Give every model that is made of what Refold sends, but those of what an app or a list does."""
    for package in (refold_async.models, refold_async.resources):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            for name, value in vars(importlib.import_module(module.name)).items():
                if not isinstance(value, type) or not issubclass(value, Model) or value.__module__ != module.name:
                    continue
                if value not in {Model, Result} and not name.startswith("_") and Generic not in value.__mro__:
                    yield value


MODELS: Final = sorted(models(), key=lambda one: one.__name__)
each_model: Final = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


PLAIN: Final[Mapping[Any, Any]] = {str: "text", bool: True, int: 7, float: 1.5, datetime: MOMENT}


def fields_of(model: type[Model]) -> list[Any]:
    """Return the fields of a model that Refold sends."""
    return [field for field in attrs.fields(model) if field.name not in NOT_SENT]


def name_of(field: Any) -> str:
    """Return what Refold calls a field."""
    names = field.metadata.get("names")
    return str(names[0] if names else field.name)


def sample(kind: Any) -> Any:
    """Return JSON of a type."""
    if isinstance(kind, type) and issubclass(kind, Model):
        return {name_of(field): sample(field.type) for field in fields_of(kind)}
    if NoneType in get_args(kind):
        return sample(get_args(kind)[0])
    if get_origin(kind) is list:
        return [sample(get_args(kind)[0])] * 2
    if get_origin(kind) is dict:
        return {"one": sample(get_args(kind)[1]), "another": sample(get_args(kind)[1])}
    return PLAIN.get(kind, {"any": ["thing", 0, False]})


def told(value: Any) -> Any:
    """Return the JSON that a value of a model stands for."""
    if isinstance(value, Model):
        return {name_of(field): told(getattr(value, field.name)) for field in fields_of(type(value))}
    if isinstance(value, list):
        return [told(one) for one in value]
    if isinstance(value, dict):
        return {name: told(one) for name, one in value.items()}
    return MOMENT if value == datetime(2026, 6, 16, 11, 35, 25, 951000, tzinfo=UTC) else value


def test_all_models_are_here() -> None:
    """The search finds them."""
    assert {"Application", "Execution", "LinkedAccount", "SessionToken", "Workflow", "Action"} <= {
        model.__name__ for model in MODELS
    }


@each_model
def test_what_comes_is_what_is_told(model: type[Model]) -> None:
    """Nothing is lost and nothing is changed on the way, however deep it lies; `raw` has it as it came."""
    value = sample(model)
    made = structure(value, model, "answer")
    assert told(made) == value
    assert made.raw is value


@each_model
def test_what_is_missing(model: type[Model]) -> None:
    """A field that is null or not there is None, a list empty; only what names the thing must be there."""
    needed = {name_of(field): sample(field.type) for field in fields_of(model) if field.default is attrs.NOTHING}
    for value in (needed, {**{name_of(field): None for field in fields_of(model)}, **needed}):
        made = structure(value, model, "answer")
        for field in fields_of(model):
            if name_of(field) not in needed:
                assert getattr(made, field.name) == ([] if get_origin(field.type) is list else None), field.name


@each_model
def test_quick_and_thorough(model: type[Model]) -> None:
    """The thorough converter, which finds what does not fit, makes the same model as the quick one."""
    needed = {name_of(field): sample(field.type) for field in fields_of(model) if field.default is attrs.NOTHING}
    start_looking()
    for value in (sample(model), needed):
        quick, thorough = (converter.structure(value, model) for converter in (converters.fast, converters.thorough))
        assert type(quick) is type(thorough) is model
        assert attrs.asdict(quick, recurse=False) == attrs.asdict(thorough, recurse=False)
        assert quick.raw is thorough.raw is value


@each_model
def test_models_share_nothing(model: type[Model]) -> None:
    """Two models that are made of one object have no list in common that is missing there."""
    needed = {name_of(field): sample(field.type) for field in fields_of(model) if field.default is attrs.NOTHING}
    one, other = (structure(needed, model, "answer") for _ in range(2))
    for field in fields_of(model):
        if get_origin(field.type) is list and field.default is not attrs.NOTHING:
            assert getattr(one, field.name) is not getattr(other, field.name), field.name


@each_model
def test_fields_are_only_set(model: type[Model]) -> None:
    """Models that are made of JSON are made without their `__init__`, so it may do nothing but set the fields."""
    assert not hasattr(model, "__attrs_pre_init__")
    assert not hasattr(model, "__attrs_post_init__")
    for field in attrs.fields(model):
        assert (field.init, field.validator, field.converter) == (True, None, None), field.name


ODD: Final[tuple[Any, ...]] = ([{"odd": 1}], {"odd": 1}, ["odd"], "odd", True, 1.5)


def is_strict(field: Any) -> bool:
    """Tell whether decisions hang on a field."""
    return bool(field.metadata.get("strict"))


@each_model
def test_odd_fields(model: type[Model]) -> None:
    """A field of another kind than documented makes nothing unreadable, but for those that decisions hang on."""
    needed = {name_of(field): sample(field.type) for field in fields_of(model) if field.default is attrs.NOTHING}
    for field in fields_of(model):
        if field.default is attrs.NOTHING or is_strict(field):
            continue
        for odd in ODD:
            made = structure({**needed, name_of(field): odd}, model, "answer")
            assert made.raw[name_of(field)] is odd


STRICT: Final[Mapping[str, set[str]]] = {
    "ActionParameter": {"required"},
    "Application": {"connected", "connected_accounts", "reauth_required", "refresh_token_expired"},
    "ConnectedAccount": {"status"},
    "Execution": {"status"},
    "Integration": {"app_id", "reauth_required", "refresh_token_expired", "slug", "type"},
    "LinkedAccount": {"integrations"},
    "WorkflowExecution": {"errored"},
}
"""The fields that decisions hang on."""


@each_model
def test_fields_that_decisions_hang_on(model: type[Model]) -> None:
    """What does not fit makes the response unreadable, rather than that it be decided by nothing."""
    strict = {field.name for field in fields_of(model) if is_strict(field)}
    assert strict == STRICT.get(model.__name__, set())
    needed = {name_of(field): sample(field.type) for field in fields_of(model) if field.default is attrs.NOTHING}
    for name in strict:
        with pytest.raises(MisfitError, match=name):
            structure({**needed, name: {"odd": 1}}, model, "answer")


def test_members_that_do_not_fit() -> None:
    """They are left out of lists and objects; the others stay."""
    model = next(model for model in MODELS if model.__name__ == "Application")
    made: Any = structure(
        {
            "slug": "a",
            "tags": ["CRM", None, {"odd": 1}, "Sales"],
            "auth_input_map": [5, {"name": "key", "options": [{"value": 1}, "odd"]}],
            "auth_type_options": {"keybased": [{"name": "key"}, None], "odd": 5},
        },
        model,
        "answer",
    )
    assert made.tags == ["CRM", "Sales"]
    assert [(field.name, [option.value for option in field.options]) for field in made.auth_input_map] == [("key", [1])]
    assert {name: [field.name for field in fields] for name, fields in made.auth_type_options.items()} == {
        "keybased": ["key"]
    }


SECRET: Final = "s3cr3t"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        *(("Integration", field) for field in ("credentials", "authTokens", "connections")),
        ("ConnectedAccount", "defaultCredentials"),
        *(("SessionToken", field) for field in ("token", "refresh_token")),
        ("WebhookSubscription", "webhook_headers"),
        *(("Execution", field) for field in ("store_variables", "linked_account_data", "custom_field_values")),
    ],
)
def test_secrets_are_not_shown(name: str, field: str) -> None:
    """What may hold a secret is not in the `repr`."""
    model = next(model for model in MODELS if model.__name__ == name)
    value = sample(model)
    value[field] = {"key": SECRET} if isinstance(value[field], dict) else SECRET
    made = structure(value, model, "answer")
    assert SECRET in str(told(made))
    assert SECRET not in repr(made)


def test_odd_spellings_of_what_decisions_hang_on() -> None:
    """An id may come as a number, a flag as a string, and a list with nulls: none of that spoils a page of accounts."""
    integrations = [None, {"type": "custom", "app_id": 4711, "reauth_required": "false"}, {"type": "slack", "slug": 5}]
    account: LinkedAccount = structure({"account_id": 7, "integrations": integrations}, LinkedAccount, "answer")
    assert account.linked_account_id == "7"
    assert [(one.app_id, one.slug, one.reauth_required) for one in account.integrations or ()] == [
        ("4711", None, False),
        (None, "5", None),
    ]
    assert account.connection_state("acme", "4711") == "connected"
    expired = {"type": "custom", "app_id": "4711", "reauth_required": "True"}
    account = structure({"account_id": "7", "integrations": [expired]}, LinkedAccount, "answer")
    assert account.connection_state("acme", "4711") == "reconnect"
    for odd in ("maybe", 1, [True]):
        with pytest.raises(MisfitError, match="reauth_required"):
            structure({"account_id": "7", "integrations": [{**expired, "reauth_required": odd}]}, LinkedAccount, "a")
