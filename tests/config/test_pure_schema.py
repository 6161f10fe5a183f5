"""Configs are a pure schema: of other rooms they import errors and tables of names alone."""

from __future__ import annotations

import ast

from tests.test_tree import arrows, nodes

# By module of the config: what it takes from other rooms, and for which key.
NAMES = {
    ("fwicli.config.components", "fwicli.survey.components"): "component",
    ("fwicli.config.imaging", "fwicli.imaging.conditions.names"): "condition and gathers",
    ("fwicli.config.imaging", "fwicli.propagators.kernels.imaging_conditions"): "condition",
    ("fwicli.config.inversion", "fwicli.inversion.unknowns.parameterization"): "parameter",
    ("fwicli.config.inversion", "fwicli.survey.properties"): "impedance of `invert_for`, bounds",
    ("fwicli.config.least_squares", "fwicli.inversion.shots.batches"): "order",
    ("fwicli.config.paths", "fwicli.survey.properties"): "model and reference",
    ("fwicli.config.schema", "fwicli.propagators.absorbing"): "sides",
    ("fwicli.config.schema", "fwicli.propagators.equations.registry"): "equation",
    ("fwicli.config.schema", "fwicli.propagators.history"): "history",
    ("fwicli.config.schema", "fwicli.survey.properties"): "model and reference",
    ("fwicli.config.segy", "fwicli.segy.fields"): "preset, bytes and group",
    ("fwicli.config.shots", "fwicli.inversion.shots.batches"): "order",
}


def test_configs_import_names_alone() -> None:
    """Objects are built in `workflows.assembly`."""
    config = "fwicli.config."
    outwards = {
        (module, target)
        for module, target in arrows()
        if module.startswith(config) and not target.startswith(config)
    }
    assert {arrow for arrow in outwards if arrow[1] != "fwicli.errors"} == NAMES.keys()


def test_only_constants_come_from_other_rooms() -> None:
    """In capitals: no class and no function that could build or compute something."""
    for module, target in NAMES:
        names = [
            alias.name
            for node in nodes(module)
            if isinstance(node, ast.ImportFrom) and node.module == target
            for alias in node.names
        ]
        assert names
        assert all(name.isupper() for name in names), (module, names)
