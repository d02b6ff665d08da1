"""Regularized least squares with more equations than fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

BUFFERED = 2048
"""Equations that are collected before they are added: a matrix product is faster, the more it is given at once."""
PANEL = 768
"""Columns of the matrix that are updated at once."""


class NormalEquations:
    """Solves min |X w − y|² + λ |w / s|², by the normal equations XᵀX of columns × columns.

    Equations come in any number, some at a time; of XᵀX, which is symmetric, one triangle is computed. If all of them
    fit into the buffer, XᵀX is never formed: then w = s² Xᵀ (X s² Xᵀ + λ)⁻¹ y is solved, of equations × equations.

    Args:
        num_columns: length of w.
    """

    def __init__(self, num_columns: int) -> None:
        self.num_columns = num_columns
        self.squares = torch.zeros(num_columns, dtype=torch.float64)
        self.moments = torch.zeros(num_columns, dtype=torch.float64)
        self.gram: Tensor | None = None
        self._rows: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._num_buffered = 0

    @property
    def num_bytes(self) -> int:
        """Return the memory that they take at most."""
        return 8 * self.num_columns * (self.num_columns + 2 * BUFFERED)

    def add(self, rows: Tensor, labels: Tensor) -> None:
        """Add equations.

        Args:
            rows: of Xᵀ, shape (columns, equations), float64.
            labels: y, shape (equations,), float64.
        """
        self.squares += rows.square().sum(dim=1)
        self.moments += rows @ labels
        for some, their_labels in zip(torch.split(rows, BUFFERED, dim=1), torch.split(labels, BUFFERED), strict=True):
            if self._num_buffered and self._num_buffered + len(their_labels) > BUFFERED:
                self._update()
            self._rows.append(some)
            self._labels.append(their_labels)
            self._num_buffered += len(their_labels)

    def solve(self, smoothness: Tensor, strengths: tuple[float, ...]) -> Iterator[Tensor]:
        """Solve for one strength of the regularization after the other; no equation can be added afterwards.

        Columns are scaled to length one first, so that λ has no unit; those that are zero get the weight zero.

        Args:
            smoothness: shape (columns,): by how much less than the others a column of length one shall be used.
            strengths: λ, each above zero.

        Yields:
            w, shape (columns,), for each strength, up to one that is too weak for double precision.
        """
        scale = smoothness / self.squares.sqrt().clamp(min=torch.finfo(torch.float64).tiny)
        scale = torch.where(self.squares > 0, scale, 0.0)
        if self.gram is None:
            rows = torch.cat(self._rows, dim=1) * scale.unsqueeze(1)
            kernel, labels = rows.T @ rows, torch.cat(self._labels)
            identity = torch.eye(len(labels), dtype=kernel.dtype)
            for strength in strengths:
                factor, failed = torch.linalg.cholesky_ex(kernel + strength * identity)
                if failed:
                    return
                yield scale * (rows @ torch.cholesky_solve(labels.unsqueeze(1), factor).squeeze(1))
            return
        self._update()
        diagonal = _mirror(self.gram, scale)
        for strength in strengths:
            _restore(self.gram, diagonal + strength)
            if not _factorize(self.gram):
                return
            yield scale * _substitute(self.gram, scale * self.moments)

    def _update(self) -> None:
        """Add the buffered equations to the lower triangle of XᵀX."""
        if not self._rows:
            return
        if self.gram is None:
            self.gram = torch.zeros(self.num_columns, self.num_columns, dtype=torch.float64)
        rows = torch.cat(self._rows, dim=1)
        self._rows, self._labels, self._num_buffered = [], [], 0
        for start, end in _panels(self.num_columns):
            self.gram[start:, start:end].addmm_(rows[start:], rows[start:end].T)


def _panels(size: int) -> list[tuple[int, int]]:
    return [(start, min(start + PANEL, size)) for start in range(0, size, PANEL)]


def _mirror(matrix: Tensor, scale: Tensor) -> Tensor:
    """Scale rows and columns of a symmetric matrix, copy its lower triangle to the upper, return its diagonal."""
    for start, end in _panels(len(matrix)):
        matrix[start:, start:end] *= scale[start:, None] * scale[start:end]
        matrix[start:end, end:] = matrix[end:, start:end].T
        inner = matrix[start:end, start:end]
        inner.copy_(inner.tril() + inner.tril(-1).T)
    return matrix.diagonal().clone()


def _restore(matrix: Tensor, diagonal: Tensor) -> None:
    """Copy the upper triangle to the lower one, which a factorization has overwritten, and set the diagonal."""
    for start, end in _panels(len(matrix)):
        matrix[end:, start:end] = matrix[start:end, end:].T
        inner = matrix[start:end, start:end]
        inner.copy_(inner.triu() + inner.triu(1).T)
    matrix.diagonal().copy_(diagonal)


def _factorize(matrix: Tensor) -> bool:
    """Replace the lower triangle of A by L of A = L Lᵀ, in place; the upper triangle stays, for the next λ.

    Returns:
        Whether A is positive definite, without which there is no L.
    """
    for start, end in _panels(len(matrix)):
        inner = matrix[start:end, start:end]
        kept = inner.triu(1)
        matrix[start:, start:end].addmm_(matrix[start:, :start], matrix[start:end, :start].T, alpha=-1)
        lower, failed = torch.linalg.cholesky_ex(inner)  # reads the lower triangle alone
        if failed:
            return False
        inner.copy_(lower + kept)
        matrix[end:, start:end] = torch.linalg.solve_triangular(
            lower.T, matrix[end:, start:end], upper=True, left=False
        )
    return True


def _substitute(matrix: Tensor, labels: Tensor) -> Tensor:
    """Solve L Lᵀ x = y, with L in the lower triangle."""
    solved = labels.clone().unsqueeze(1)
    for start, end in _panels(len(matrix)):
        solved[start:end] = torch.linalg.solve_triangular(
            matrix[start:end, start:end].tril(), solved[start:end], upper=False
        )
        solved[end:] -= matrix[end:, start:end] @ solved[start:end]
    for start, end in reversed(_panels(len(matrix))):
        solved[start:end] -= matrix[end:, start:end].T @ solved[end:]
        solved[start:end] = torch.linalg.solve_triangular(
            matrix[start:end, start:end].tril().T, solved[start:end], upper=True
        )
    return solved.squeeze(1)
