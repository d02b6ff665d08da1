from __future__ import annotations

import pytest
import torch

from potbench.training import normal_equations
from potbench.training.normal_equations import NormalEquations

COLUMNS = 23
STRENGTHS = (1e-1, 1e-3, 1e-6)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normal_equations, "BUFFERED", 32)
    monkeypatch.setattr(normal_equations, "PANEL", 5)


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


@pytest.mark.parametrize("num_equations", [10, 30, 200])
def test_solutions_are_those_of_ridge_regression_whether_or_not_the_matrix_is_formed(num_equations: int) -> None:
    rows, labels = drawn(num_equations, COLUMNS), drawn(num_equations)
    rows[:, 3] = 0
    equations = NormalEquations(COLUMNS)
    for start in range(0, num_equations, 7):
        equations.add(rows[start : start + 7].T, labels[start : start + 7])
    smoothness = 1 / (1 + torch.arange(COLUMNS, dtype=torch.float64))
    solutions = list(equations.solve(smoothness, STRENGTHS))
    assert (equations.gram is None) == (num_equations <= 32)
    for strength, solution in zip(STRENGTHS, solutions, strict=True):
        lengths = rows.norm(dim=0)
        penalty = torch.diag((strength**0.5) * lengths / smoothness)
        stacked = torch.cat([rows, penalty])[:, lengths > 0]
        padded = torch.cat([labels, labels.new_zeros(COLUMNS)]).unsqueeze(1)
        expected = torch.linalg.lstsq(stacked, padded).solution
        assert torch.allclose(solution[lengths > 0], expected.squeeze(1), rtol=1e-6, atol=1e-9)
        assert solution[3] == 0


def test_many_equations_at_once_are_solved_as_few_at_a_time_are() -> None:
    rows, labels = drawn(200, COLUMNS), drawn(200)
    at_once = NormalEquations(COLUMNS)
    at_once.add(rows.T, labels)
    assert at_once.gram is not None  # and no matrix of 200 × 200
    few = NormalEquations(COLUMNS)
    for some, their_labels in zip(rows.split(32), labels.split(32), strict=True):
        few.add(some.T, their_labels)
    smoothness = torch.ones(COLUMNS, dtype=torch.float64)
    for one, other in zip(at_once.solve(smoothness, STRENGTHS), few.solve(smoothness, STRENGTHS), strict=True):
        assert torch.allclose(one, other, rtol=0, atol=1e-9)


@pytest.mark.parametrize("num_equations", [30, 200])
def test_no_solution_follows_one_that_double_precision_cannot_hold(num_equations: int) -> None:
    rows = drawn(num_equations, 5) @ drawn(5, COLUMNS)
    equations = NormalEquations(COLUMNS)
    for some, labels in zip(rows.split(7), drawn(num_equations).split(7), strict=True):
        equations.add(some.T, labels)
    assert (equations.gram is None) == (num_equations <= 32)
    assert len(list(equations.solve(torch.ones(COLUMNS, dtype=torch.float64), (1e-2, 1e-300, 1e-1)))) == 1


def test_the_memory_is_known_before_it_is_taken() -> None:
    assert NormalEquations(10_000).num_bytes == 8 * 10_000 * (10_000 + 64)
