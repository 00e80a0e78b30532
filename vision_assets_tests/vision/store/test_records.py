"""Ids that stores hold already stay what they are."""

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from vision_assets.vision.store.records import digest


@given(st.lists(st.text() | st.integers() | st.none()))
def test_an_id_is_the_hash_of_a_json_list_of_texts(parts: list[object]) -> None:
    text = json.dumps([str(part) for part in parts])
    assert digest(*parts) == hashlib.sha256(text.encode()).hexdigest()[:32]
