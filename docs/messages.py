"""Every message that an error of vision_assets may show, read out of the source."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

import vision_assets
from vision_assets.vision import errors

PACKAGE = Path(vision_assets.__file__).parent
YAML = "A wrong YAML"
_LONGEST = 420


def error_classes() -> dict[str, type[Exception]]:
    """The errors that are raised on purpose, by name, in the order in which they are drawn."""
    return {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.VisionAssetsError)
    }


def messages_reference() -> str:
    """A page of all messages, by the class of the error."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, text in _messages():
        found[name].add(text)
    lines = [
        "# Messages",
        "",
        "Written by `make docs` from the source; do not edit. Words in `<>` stand for what is",
        "there at the time; a message says what was expected, what came, and what to do. The",
        "[runbook](../runbook.md) says where they show, and what to look at first.",
        "",
    ]
    for name in (*error_classes(), YAML):
        if found[name]:
            lines += [f"## {name}", ""]
            lines += [f"- {text}" for text in sorted(found[name])]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _messages() -> Iterator[tuple[str, str]]:
    """Class and message of each `raise` that says something."""
    known = error_classes()
    for path in sorted(PACKAGE.rglob("*.py")):
        of_yaml = "spec" in path.relative_to(PACKAGE).with_suffix("").parts
        for call in _raised(ast.parse(path.read_text(encoding="utf-8"))):
            name = ast.unparse(call.func)
            name = YAML if name == "ValueError" and of_yaml else name
            text = _said(call)
            if text and (name in known or name == YAML):
                yield name, text


def _raised(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls that are raised, or made to be raised or returned as a refusal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield node.exc
        elif isinstance(node, ast.Return) and _is_error(node.value):
            yield node.value


def _is_error(value: ast.expr | None) -> TypeGuard[ast.Call]:
    return isinstance(value, ast.Call) and ast.unparse(value.func) in error_classes()


def _said(call: ast.Call) -> str:
    """The text of a call, with the reason in front where it is a refusal of an image."""
    texts = [text for each in call.args if (text := _text(each))]
    reasons = [
        each.attr.lower()
        for each in call.args
        if isinstance(each, ast.Attribute) and ast.unparse(each).startswith("Reason.")
    ]
    said = " ".join([*(f"**{reason}**:" for reason in reasons if texts), *texts])
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."


def _text(node: ast.expr) -> str:
    """A literal or f-string as Markdown; what is filled in stands in angle brackets."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return _plain(node.value)
    if not isinstance(node, ast.JoinedStr):
        return ""
    return "".join(
        f"`<{_name(part.value)}>`" if isinstance(part, ast.FormattedValue) else _text(part)
        for part in node.values
    )


def _plain(text: str) -> str:
    """Text that Markdown leaves alone; code stays code."""
    return " ".join(text.replace("<", "&lt;").replace("*", "\\*").split(" ")).replace("\n", " ")


def _name(value: ast.AST) -> str:
    """A short name of what is filled in: `path` of `self.path`, `classes` of `sorted(classes)`."""
    names = [node for node in ast.walk(value) if isinstance(node, ast.Attribute | ast.Name)]
    if isinstance(value, ast.Attribute):
        return value.attr
    if isinstance(value, ast.Call) and value.args:
        return _name(value.args[-1])
    return names[0].id if names and isinstance(names[0], ast.Name) else "..."
