from __future__ import annotations

import inspect
import pickle

import pytest

import tracetui
from tracetui import errors

CLASSES = [getattr(errors, name) for name in errors.__all__]
SAMPLES = {
    "pid": 7, "line": 3, "offset": 9, "position": 2, "found": 2, "supported": 1, "size": 11, "limit": 10,
    "allowed": ("archived",),
}  # fmt: skip


def example(kind: type[errors.TraceTuiError]) -> errors.TraceTuiError:
    """Make one of a class, each field filled."""
    if "__init__" not in {name for base in kind.__mro__[:-4] for name in vars(base)}:
        return kind("words")
    names = list(inspect.signature(kind).parameters)
    return kind(*(SAMPLES.get(name, name) for name in names if name not in ("rest", "args", "kwargs")))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: str(kind.__name__))
def test_every_error_pickles_with_its_fields(kind: type[errors.TraceTuiError]) -> None:
    """Class, fields and message survive the way through a process pool."""
    one = example(kind)
    two = pickle.loads(pickle.dumps(one))
    assert type(two) is kind
    assert vars(two) == vars(one)
    assert str(two) == str(one) != ""


def test_all_names_end_in_error_and_are_public() -> None:
    """Whatever is raised can be caught by a name from the package."""
    assert all(name.endswith("Error") for name in errors.__all__)
    assert set(errors.__all__) <= set(tracetui.__all__)
    assert all(getattr(tracetui, name) is getattr(errors, name) for name in errors.__all__)


def test_not_found_is_a_key_error_and_invalid_a_value_error() -> None:
    """The built-in families still catch them; a KeyError's quoting does not spoil the message."""
    assert issubclass(tracetui.TraceNotFoundError, KeyError)
    assert issubclass(tracetui.InvalidTraceError, ValueError)
    assert str(tracetui.TraceNotFoundError("abc")).startswith("no trace 'abc' in this run")


def test_the_tree_in_the_docstring_is_the_tree_of_the_code() -> None:
    """Every class is drawn at the head of the module."""
    assert errors.__doc__ is not None
    assert [name for name in errors.__all__ if name not in errors.__doc__] == []


@pytest.mark.parametrize("name", ["\x1b[31m", "a\nb", "\ud83d", "x" * 10_000])
def test_a_hostile_name_does_not_reach_the_message(name: str) -> None:
    """Control characters and surrogates are escapes, long names are cut."""
    message = str(tracetui.ParentNotFoundError(name))
    assert message.isprintable()
    assert len(message) < 400
