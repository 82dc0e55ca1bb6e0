"""Data sets that come from the Hugging Face hub, by its own client; it keeps them in its cache."""

from __future__ import annotations

from pathlib import Path

from squeezebert.data.layouts import HubFiles
from squeezebert.errors import DataError


def download(name: str, hub: HubFiles, split: str, place: str) -> Path:
    """The file of a split, from the cache if it has been downloaded before.

    Args:
        name: What the data set is called.
        hub: Where it lies.
        split: Which part.
        place: Where a person can put the file instead, for the message.

    Raises:
        DataError: no network, or no such file there.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    path = hub.files[split]
    try:
        return Path(hf_hub_download(hub.repository, path, repo_type="dataset"))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        raise DataError(
            f"the data set {name!r} has no {split} file at {place}, and {path} could not be had "
            f"from the data set {hub.repository} on the Hugging Face hub",
            hint="connect to the network, or put that file there",
        ) from error
