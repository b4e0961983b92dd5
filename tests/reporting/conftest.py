"""What the tests of a report share: one made folder with its report."""

from pathlib import Path

import pytest
from made_evaluation import write_folder

from open_r1.report import main


@pytest.fixture(scope="session")
def reported(tmp_path_factory) -> Path:
    """A made folder with its report, both only to be read."""
    folder = write_folder(tmp_path_factory.mktemp("made") / "<b>root")
    main([str(folder)])
    return folder
