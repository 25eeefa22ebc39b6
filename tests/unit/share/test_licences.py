"""What METADATA says of a licence."""

from __future__ import annotations

import pytest

from launcher.share.licences import Description, describe


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["License-Expression: apache-2.0 or mit"], Description(expression="Apache-2.0 OR MIT")),
        (["License: MIT", "Classifier: License :: Other"], Description(expression="MIT")),
        (["License: BSD"], Description(names=("BSD",))),
        (["License: BSD", "Classifier: License :: OSI Approved :: BSD License"], Description(names=("BSD License",))),
        (["Classifier: License :: OSI Approved :: MIT License"], Description(expression="MIT")),
        (
            [
                "Classifier: License :: OSI Approved",
                "Classifier: License :: OSI Approved :: MIT License",
                "Classifier: License :: OSI Approved :: Apache Software License",
            ],
            Description(names=("MIT License", "Apache Software License")),
        ),
        (["License: UNKNOWN"], Description()),
        (["License: The whole\n        text of it"], Description(names=("The whole",))),
        (["License: " + "x" * 200], Description()),
        (["Summary: caf\u00e9", "License-Expression: nonsense ("], Description(summary="caf\u00e9")),
        ([], Description()),
    ],
)
def test_the_best_statement_is_taken(lines: list[str], expected: Description) -> None:
    text = "\n".join(["Metadata-Version: 2.4", "Name: demo", "Version: 1.0", *lines, "", "License: of the text below"])
    assert describe(text.encode()) == expected


def test_bytes_of_any_kind_are_read() -> None:
    assert describe(b"\xff\xfe\x00Summary: x\n") == Description()
