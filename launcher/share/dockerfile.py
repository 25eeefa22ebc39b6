"""A Dockerfile that builds a small image of a script and runs it, with or without pyscript in it. Pure."""

from __future__ import annotations

import json
from pathlib import Path

from launcher import __version__
from launcher.share.exported import Exported

_MARK = "REQUIREMENTS"
_USER = "65532"
"""As in other images that run without root; its number is above those of a system's own users."""

_HEAD = """\
# syntax=docker/dockerfile:1
# Made by: pyscript export {title} --format dockerfile{options}
# Build and run it, in the folder of the script:
#   docker build -f {stem}.Dockerfile -t {tag} .
#   docker run --rm {tag}
"""

_PACKAGES = """
FROM {builder} AS packages
COPY <<'{mark}' /requirements.txt
{requirements}{mark}

RUN {python} -m venv --without-pip /packages && \\
    pip --python /packages/bin/python install --no-cache-dir --disable-pip-version-check {options} -r /requirements.txt
"""

_IMAGE = """
FROM {base}
{copied}{copy_script}
ENV PYTHONUNBUFFERED=1{path}
USER {user}:{user}
WORKDIR /work
ENTRYPOINT {command}
"""

_WITH_PYSCRIPT = """
FROM {base}
RUN pip install --no-cache-dir --disable-pip-version-check pyscript-launcher=={version}
{copy_script}
ENV PYSCRIPT_CACHE_DIR=/var/cache/pyscript PYTHONUNBUFFERED=1
RUN mkdir -p /var/cache/pyscript && chown {user}:{user} /var/cache/pyscript
USER {user}:{user}
RUN {prepare}
WORKDIR /work
ENTRYPOINT {command}
"""

_OLDEST_FOR_PYSCRIPT = (3, 11)


def dockerfile_text(exported: Exported, requirements: str) -> str:
    """Return a Dockerfile in two stages: pip fetches the packages in one, the other has them, Python and the script.

    `requirements` is what ``requirements_text`` makes; it stands in the file, so that the file is all there is.
    """
    base, python = _base_image(exported), _python_program(exported)
    has_sources = any(not pin.candidate.is_wheel for pin in exported.pins)
    options = ["--no-deps", *(["--require-hashes"] if "--hash=" in requirements else [])]
    # What has to be built may take a compiler, and a repository takes git: the larger image has both.
    stage = _PACKAGES.format(
        builder=base.removesuffix("-slim") if has_sources else base,
        mark=_MARK,
        requirements=requirements,
        python=python,
        options=" ".join([*options, *([] if has_sources else ["--only-binary", ":all:"])]),
    )
    image = _IMAGE.format(
        base=base,
        copied="COPY --from=packages /packages /packages\n" if exported.pins else "",
        copy_script=_copy(exported.title),
        path=" PATH=/packages/bin:$PATH" if exported.pins else "",
        user=_USER,
        command=json.dumps(["python" if exported.pins else python, f"/app/{exported.title}"]),
    )
    return _head(exported) + (stage if exported.pins else "") + image


def dockerfile_with_pyscript(exported: Exported) -> str:
    """Return a Dockerfile of an image in which pyscript prepares and runs the script, by its lock where it has one."""
    script = f"/app/{exported.title}"
    is_too_old = exported.survey.interpreter.version_info < _OLDEST_FOR_PYSCRIPT
    return _head(exported, " --with-pyscript") + _WITH_PYSCRIPT.format(
        # pyscript gets an older Python for the script by itself.
        base="python:3-slim" if is_too_old else _base_image(exported),
        version=__version__,
        # With the star it is copied where it is there, and missing it is no error.
        copy_script=_copy(exported.title, f"pylock.{Path(exported.title).stem}.toml*"),
        prepare=json.dumps(["pyscript", "prepare", script]),
        user=_USER,
        command=json.dumps(["pyscript", script]),
    )


def _head(exported: Exported, options: str = "") -> str:
    stem = Path(exported.title).stem
    tag = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem.lower()).strip("-")
    return _HEAD.format(title=exported.title, stem=stem, tag=tag or "script", options=options)


def _base_image(exported: Exported) -> str:
    interpreter = exported.survey.interpreter
    major, minor, _ = interpreter.version_info
    name = "pypy" if interpreter.implementation == "pypy" else "python"
    return f"{name}:{major}.{minor}-slim"


def _python_program(exported: Exported) -> str:
    return "pypy3" if exported.survey.interpreter.implementation == "pypy" else "python"


def _copy(*names: str) -> str:
    """Return the line that copies files of the folder; names with blanks or quotes have to be written as JSON."""
    is_plain = not any(letter in " \"'\\" for name in names for letter in name)
    return f"COPY {' '.join(names)} /app/" if is_plain else f"COPY {json.dumps([*names, '/app/'])}"
