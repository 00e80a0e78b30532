"""Write what the docs take from the code: `python -m docs.generate`.

The references of `docs/reference/`, and the files that a page quotes.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import click
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import vision_assets
from docs.messages import messages_reference
from docs.quotes import quoting

REFERENCE = Path(__file__).parent / "reference"
QUOTING = Path(__file__).parent / "add-a-task.md"


def yaml_reference() -> str:
    """Every key that a `defs.yaml` may hold, with type, default and meaning."""
    components = [getattr(vision_assets, name) for name in vision_assets.__all__]
    lines = ["# YAML reference", "", "Written by `make docs` from the schema; do not edit.", ""]
    for component in components:
        lines += [
            f"## `vision_assets.{component.__name__}`",
            "",
            str(component.spec_type.__doc__),
            "",
        ]
        lines += list(_model_tables(component.spec_type, "attributes"))
    return "\n".join(lines).rstrip() + "\n"


def cli_reference() -> str:
    """Every command with its help."""
    from vision_assets.cli import app

    group = typer.main.get_command(app)
    lines = [
        "# Command reference",
        "",
        "Written by `make docs` from the commands; do not edit.",
        "",
    ]
    for path, command in _commands(group, "vision-assets"):
        context = click.Context(command, info_name=path, terminal_width=96, max_content_width=96)
        lines += [f"## `{path}`", "", "```text", _plain_help(command, context), "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def references() -> dict[Path, str]:
    """Text of each generated page by its path."""
    return {
        REFERENCE / "yaml.md": yaml_reference(),
        REFERENCE / "cli.md": cli_reference(),
        REFERENCE / "messages.md": messages_reference(),
        QUOTING: quoting(QUOTING),
    }


def _model_tables(model: type[BaseModel], path: str) -> Iterator[str]:
    yield from (f"### `{path}`", "", "| key | type | default | meaning |", "|---|---|---|---|")
    for name, field in model.model_fields.items():
        cells = (f"`{name}`", _type(field), _default(field), field.description or _doc(field))
        yield (
            "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
        )
    yield ""
    for name, field in model.model_fields.items():
        for nested in _models(field.annotation):
            yield from _model_tables(nested, f"{path}.{name}")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _type(field: FieldInfo) -> str:
    text = str(field.annotation) if get_origin(field.annotation) else field.annotation.__name__
    text = re.sub(r"\b(?:typing|vision_assets(?:\.\w+)*)\.|, \.\.\.", "", text)
    bounds = [str(rule) for rule in field.metadata if "Ge" in str(rule) or "Le" in str(rule)]
    return f"`{text}`" + (f" {', '.join(bounds)}" if bounds else "")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, BaseModel):
        return "see below"
    if isinstance(default, tuple) and default and isinstance(default[0], BaseModel):
        return "; ".join(f"`{entry.model_dump(exclude_unset=True)}`" for entry in default)
    return "`null`" if default in (None, PydanticUndefined) else f"`{default}`"


def _doc(field: FieldInfo) -> str:
    docs = [(model.__doc__ or "").splitlines()[0] for model in _models(field.annotation)]
    return docs[0] if docs else ""


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    for name, nested in sorted(getattr(command, "commands", {}).items()):
        yield from _commands(nested, f"{path} {name}")


def _plain_help(command: click.Command, context: click.Context) -> str:
    """Usage, meaning and parameters, without the terminal's frames."""
    rows = [
        (record[0], (record[1] or "").strip())
        for parameter in command.get_params(context)
        if (record := parameter.get_help_record(context))
    ]
    formatter = click.HelpFormatter(width=96)
    formatter.write_text(command.get_usage(context))
    formatter.write_paragraph()
    formatter.write_text(command.help or "")
    if rows:
        formatter.write_paragraph()
        formatter.write_dl(rows)
    return formatter.getvalue().rstrip()


def main() -> None:
    """Write all of it."""
    for path, text in references().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
