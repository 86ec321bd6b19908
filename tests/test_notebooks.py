"""The notebooks run from top to bottom, and say today what their stored outputs say."""

import re
from pathlib import Path

import nbclient
import nbformat
import pytest

FOLDER = Path(__file__).parents[1] / "notebooks"
pytestmark = pytest.mark.notebook


def said(cell):
    """The text of a cell's outputs, without what differs from run to run: pictures, times, addresses."""
    texts = []
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stdout":
            texts.append(output.text)
        elif output.output_type in ("execute_result", "display_data"):
            texts.append(output.data.get("text/plain", ""))
    return re.sub(r"0x[0-9a-f]+|\d+\.\d+ (m|µ|n)?s\b", "…", "".join(texts))


@pytest.mark.parametrize("name", ["01_backpropagation_by_hand", "02_seeing_gradient_flow"])
def test_notebook_gives_its_stored_outputs_again(name, tmp_path):
    stored = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(stored)
    cells = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells), "a cell was never run: make notebooks"
    before = [said(cell) for cell in cells]
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
    nbclient.NotebookClient(stored, timeout=240, resources={"metadata": {"path": str(tmp_path)}}).execute()
    figure = re.compile(r"<Figure size .*>\n?")
    for cell, text in zip(cells, before, strict=True):
        assert figure.sub("", said(cell)) == figure.sub("", text), cell.source
