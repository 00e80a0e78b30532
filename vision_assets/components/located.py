"""Where in a YAML file something is wrong that pydantic alone cannot know."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from vision_assets.vision.errors import SpecError


@contextmanager
def located(context: dg.ComponentLoadContext) -> Iterator[None]:
    """Errors of a field are told with its path, file and line, as pydantic's are."""
    try:
        yield
    except SpecError as error:
        tree = context.resolution_context.source_position_tree
        if tree is None or not error.field:
            raise
        path = ("attributes", *error.field)
        position, _ = tree.lookup_closest_and_path(path, None)
        where = ".".join(map(str, path))
        raise SpecError(f"`{where} at {position}`\n  {error}", error.field) from None
