"""The names of models and values, over all resources."""

import pkgutil
from collections import defaultdict
from importlib import import_module

import sikoia_async.resources


def test_no_two_models_or_values_have_the_same_name() -> None:
    """So all of them can be imported side by side."""
    package = sikoia_async.resources
    found = defaultdict[str, set[int]](set)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if "._" not in module.name:
            public = import_module(module.name)
            for name in public.__all__:
                found[name].add(id(getattr(public, name)))

    assert len(found) > 150
    assert {name for name, objects in found.items() if len(objects) > 1} == set()
