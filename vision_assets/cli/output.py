"""What commands print: tables and colours for people, JSON for scripts."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

OUT = Console()
ERR = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the use case.")]
Author = Annotated[
    str | None, typer.Option(help="Who says so; default: the name of the user.", metavar="WHO")
]

OnProgress = Callable[[int, int], None]


def show_json(value: Any) -> None:
    """Print one JSON document on standard output, without colours."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    styles: Sequence[str] | None = None,
) -> None:
    """Print a table; numbers to the right. Text is printed as it is, without markup.

    Args:
        title: of the table.
        columns: headings.
        rows: cells; None is shown empty.
        styles: a colour for each row.
    """
    from rich.table import Table

    table = Table(header_style="bold", show_header=any(columns))
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        justify = "right" if numeric else "left"
        table.add_column(column, justify=justify, overflow="fold", no_wrap=index == 0)
    for row, style in zip(rows, styles or [""] * len(rows), strict=True):
        table.add_row(*(escape("" if cell is None else str(cell)) for cell in row), style=style)
    say(f"[bold]{escape(title)}[/]")
    OUT.print(table)


def show_error(error: Exception, about: str = "Error") -> None:
    """Print what went wrong, with its remedy, on standard error."""
    ERR.print(
        f"[bold red]{escape(about)}:[/] {escape(str(error))}", highlight=False, soft_wrap=True
    )


def say(text: str) -> None:
    """Print a line with Rich markup."""
    OUT.print(text, highlight=False, soft_wrap=True)


def tell(text: str) -> None:
    """Print a line as it is: square brackets of an error are no markup."""
    say(escape(text))


@contextmanager
def progress(what: str) -> Iterator[OnProgress]:
    """A bar on standard error, fed with (done, total); silent where no person looks."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=ERR, disable=not ERR.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def size_text(size_bytes: int) -> str:
    """A number of bytes as people read it, such as `17.3 kB`."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
