"""Files of variables for the script (``.env``), by way of python-dotenv, whose only importer this is."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from io import StringIO
from pathlib import Path

from dotenv import dotenv_values

from launcher.errors import InvalidMetadata


def read_env_files(names: Iterable[str]) -> dict[str, str]:
    """Return the variables of all these files; of one that several have, the last counts.

    Raises `InvalidMetadata` for a file that is not there or cannot be read.
    """
    # It tells of lines that it does not understand by logging, to nobody who asked.
    logging.getLogger("dotenv").setLevel(logging.ERROR)
    variables: dict[str, str] = {}
    for name in names:
        content = _read(name)
        variables |= {key: value or "" for key, value in dotenv_values(stream=StringIO(content)).items()}
    return variables


def _read(name: str) -> str:
    try:
        content = Path(name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise InvalidMetadata(
            f"The env-file {name} does not exist.", hint="Check the path given to --env-file."
        ) from error
    except (OSError, ValueError) as error:
        raise InvalidMetadata(f"The env-file {name} cannot be read: {error}.") from error
    if "\0" in content:
        raise InvalidMetadata(f"The env-file {name} holds a zero byte, which no variable can.")
    return content
