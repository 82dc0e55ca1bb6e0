"""Data whose labels go by other names than a model's: renamed by a map, or by position."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

from squeezebert.data.catalog import Dataset
from squeezebert.data.examples import TextExample, TokenExample
from squeezebert.data.messages import listed, shown
from squeezebert.data.tags import head_labels, is_tag, names_entities
from squeezebert.errors import ConfigError, DataError, InvalidInputError

BY_POSITION = "position"

_NUMBERED = re.compile(r"(?:LABEL_)?(\d+)")


def parse_label_map(text: str) -> dict[str, str]:
    """A map as it is typed: ``OLD=NEW,…``.

    Raises:
        InvalidInputError: something else.

    >>> parse_label_map("0=bad,1=good")
    {'0': 'bad', '1': 'good'}
    """
    pairs = [part.partition("=") for part in text.split(",")]
    wrong = next((old for old, equals, _ in pairs if not (old.strip() and equals)), None)
    if wrong is not None:
        raise InvalidInputError(
            f"the label map holds {shown(wrong)}, expected OLD=NEW",
            hint=f"for example 0=bad,1=good; or {BY_POSITION}",
        )
    return {old.strip(): new.strip() for old, _, new in pairs}


def map_by_position(dataset: Dataset, labels: Sequence[str]) -> dict[str, str]:
    """The map from the labels of ``dataset`` to ``labels``, a model's, by their places.

    Labels of the data that are numbers (``3`` or ``LABEL_3``) are places, from 0, or from 1 where
    they run from 1 to the number of the model's labels. Other labels go in the
    order of :attr:`~squeezebert.data.catalog.Dataset.labels`, which for a file is alphabetical.

    Raises:
        DataError: not as many labels as the model has, or a number beyond them.
    """
    found = {label: _NUMBERED.fullmatch(label) for label in dataset.labels}
    numbers = {label: int(match[1]) for label, match in found.items() if match}
    if len(numbers) == len(found) and numbers:
        first = 1 if sorted(numbers.values()) == list(range(1, len(labels) + 1)) else 0
        if max(numbers.values()) - first < len(labels):
            return {label: labels[number - first] for label, number in numbers.items()}
    elif len(found) == len(labels):
        return dict(zip(dataset.labels, labels, strict=True))
    raise DataError(
        f"{dataset.name} has the labels {listed(dataset.labels)}, and the model {len(labels)}: "
        f"{listed(labels)}",
        hint="by position both must have as many; name them otherwise, OLD=NEW,…",
    )


def rename_labels(dataset: Dataset, label_map: Mapping[str, str]) -> Dataset:
    """``dataset`` with its labels renamed; those renamed to "" are dropped.

    Args:
        dataset: Of texts or words.
        label_map: New names by old ones: of classes, of entity types or whole tags, or of the
            labels of words.

    Raises:
        ConfigError: a name in the map that the data set does not have; soft labels.
    """
    token = dataset.task == "token_classification"
    if any(example.soft is not None for example in dataset.examples):
        raise ConfigError(f"{dataset.name} has soft labels, which label_map cannot rename")
    entities = token and names_entities(dataset.labels)
    known = entity_types(dataset.labels) if entities else list(dataset.labels)
    unknown = sorted(set(label_map) - {*known, *dataset.labels})
    if unknown:
        raise ConfigError(
            f"label_map renames {listed(unknown)}, which {dataset.name} has not",
            hint=f"its labels are {', '.join(known)}",
        )
    if token:
        examples = [_rename_tags(example, label_map) for example in dataset.examples]
        tags = [tag for example in examples for tag in example.tags or ()]
        if entities and all(map(is_tag, tags)):
            # With the types that no example of this split has.
            tags += [_rename_tag(tag, label_map) for tag in dataset.labels]
        return dataclasses.replace(dataset, examples=examples, labels=head_labels(tags))
    kept = dict.fromkeys(new for old in known if (new := label_map.get(old, old)))
    examples = list(_rename_classes(dataset.examples, label_map))
    return dataclasses.replace(dataset, examples=examples, labels=tuple(kept))


def _rename_classes(
    examples: Iterable[TextExample], label_map: Mapping[str, str]
) -> Iterable[TextExample]:
    for example in examples:
        label = example.label
        if isinstance(label, str):
            label = label_map.get(label, label)
        elif isinstance(label, tuple):
            label = tuple(new for old in label if (new := label_map.get(old, old)))
        if label != "":
            yield dataclasses.replace(example, label=label)


def _rename_tags(example: TokenExample, label_map: Mapping[str, str]) -> TokenExample:
    if example.tags is None:
        return example
    tags = tuple(_rename_tag(tag, label_map) for tag in example.tags)
    return dataclasses.replace(example, tags=tags)


def _rename_tag(tag: str, label_map: Mapping[str, str]) -> str:
    if tag in label_map:
        return label_map[tag] or "O"
    if tag == "O" or not is_tag(tag):
        return tag
    kind = label_map.get(tag[2:], tag[2:])
    return tag[:2] + kind if kind else "O"


def entity_types(tags: Iterable[str]) -> list[str]:
    """The types of IOB2 tags, each once, in their order."""
    return list(dict.fromkeys(tag[2:] for tag in tags if tag != "O"))
