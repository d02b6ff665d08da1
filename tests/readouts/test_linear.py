from __future__ import annotations

import torch

from potbench.batch import Batch
from potbench.readouts import Linear
from tests.native_files.one_molecule import sample_frames


def test_energies_are_linear_in_the_features_with_weights_of_each_element() -> None:
    batch = Batch.from_frames(sample_frames(end=2))
    readout = Linear(["H", "C", "O"], 4)
    element = torch.tensor([{1: 0, 6: 1, 8: 2}[number] for number in batch.atomic_numbers.tolist()])
    features = torch.randn(len(element), 4)
    expected = [readout.weight[e] @ own / 2 + readout.bias[e] for e, own in zip(element, features, strict=True)]
    assert torch.allclose(readout(features, batch, element), torch.stack(expected), atol=1e-6)


def test_weights_of_another_number_of_features_are_taken_over() -> None:
    solved, new = Linear(["H", "C"], 3), Linear(["H", "C"], 5)
    new.load_state_dict(solved.state_dict())
    assert torch.equal(new.weight, solved.weight)
    assert new.weight.requires_grad
