# SPDX-License-Identifier: Apache-2.0
"""What `holdfast --json` prints, frozen: a file in tests/snapshots/cli for each schema.

Within holdfast.cli.v1 members are only added, at the end of their object. A snapshot has an object's
members in their order, and for each the kind of its value: "text", "number", "bool", a list with the
kind of its elements, or an object. A name that ends in ? may be missing; "*" stands for names that
are data, such as the reasons of refusals.
"""
import json
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[3]
PREFIX = "holdfast.cli.v1."
SHAPES = {path.stem: json.loads(path.read_text(encoding="utf-8"))
          for path in sorted((ROOT / "tests/snapshots/cli").glob("*.json"))}


def declared():
    """The name of every schema in the sources, once for each place that makes such an object."""
    names = []
    for path in sorted((ROOT / "cli").glob("*.cc")):
        text = path.read_text(encoding="utf-8")
        made = re.findall(r"\bJsonObject(?: \w+)?\(([^()]*)", text)
        for argument in made:
            if argument.startswith(("std::string_view", "const ")):  # A declaration.
                continue
            if not re.fullmatch(r'"\w+"', argument):
                raise AssertionError(f"{path.name}: a schema's name is a literal, not {argument}")
            names.append(argument.strip('"'))
    return names


def check(found):
    """Raises AssertionError unless the object is as its snapshot says. Returns its schema's name."""
    name = found["schema"].removeprefix(PREFIX)
    if found["schema"] != PREFIX + name or name not in SHAPES:
        raise AssertionError(f"no snapshot of {found['schema']} in tests/snapshots/cli: {found}")
    expected = dict(SHAPES[name])
    if expected.pop("schema") != found["schema"]:
        raise AssertionError(f"the snapshot {name} is of another schema")
    _check_members({k: v for k, v in found.items() if k != "schema"}, expected, name)
    return name


def _check_members(found, expected, where):
    if list(expected) == ["*"]:
        for key, value in found.items():
            _check_value(value, expected["*"], f"{where}.{key}")
        return
    members = list(found.items())
    for name, kind in expected.items():
        if members and members[0][0] == name.rstrip("?"):
            _check_value(members.pop(0)[1], kind, f"{where}.{name}")
        elif not name.endswith("?"):
            raise AssertionError(f"{where}: {name} is missing, or out of its order: {found}")
    if members:
        raise AssertionError(f"{where}: {members[0][0]} is not in the snapshot: {found}")


def _check_value(value, kind, where):
    if isinstance(kind, dict) and isinstance(value, dict):
        _check_members(value, kind, where)
    elif isinstance(kind, list) and isinstance(value, list):
        for one in value:
            _check_value(one, kind[0], where)
    else:
        is_a = ("bool" if isinstance(value, bool) else "number" if isinstance(value, int)
                else "text" if isinstance(value, str) else type(value).__name__)
        if is_a != kind:
            raise AssertionError(f"{where} is {is_a}, not {kind}")
