"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> None:
    """Print a table (with rich); the first column is text, the others are numbers."""
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        raise SystemExit("the table needs rich: pip install 'trimetal[bench]'") from None
    table = Table(title=title, title_justify="left", caption=note, caption_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for row in rows:
        table.add_row(*row)
    console = Console()
    console.print(table, crop=False)
