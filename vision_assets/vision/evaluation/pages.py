"""Templates to self-contained pages and to Markdown."""

import base64
import math
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from vision_assets.vision.evaluation.judgement import number, span


def render(template: str, **content: Any) -> str:
    """Fill in a template of this folder; markup in the content stays text in pages."""
    return _environment().get_template(template).render(content)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "png_uri": lambda data: _data_uri(data, "image/png"),
        "jpeg_uri": lambda data: _data_uri(data, "image/jpeg"),
        "percent": percent,
        "figure": figure,
        "metric": metric,
        "spaced": lambda name: str(name).replace("_", " "),
        "capitalized": lambda title: title[:1].upper() + title[1:],
        "cell": lambda text: str(text).replace("|", "\\|").replace("\n", " "),
        "day": lambda moment: f"{moment:%Y-%m-%d}",
        "minute": _minute,
        "number": number,
        "span": span,
    }
    return environment


def percent(share: float, digits: int = 1) -> str:
    """A share in 0..1, as in `97.2 %`, with a space that does not break."""
    return f"{100 * share:.{digits}f}\N{NO-BREAK SPACE}%"


def figure(value: Any) -> str:
    """A figure of a class: counts as they are, others with three digits, unknown ones a dash."""
    if not isinstance(value, float):
        return str(value)
    return "–" if math.isnan(value) else f"{value:.3f}"


def metric(value: float, name: str) -> str:
    """A metric in its unit: milliseconds where its name says so, otherwise percent."""
    return f"{value:.1f} ms" if name.endswith("_ms") else percent(value)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _data_uri(data: bytes, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"
