"""The process that reads a file first: `python first_reader.py KIND FILE BYTES`; status 1 where it is refused.

It imports nothing of potbench, since it starts anew for each file.
"""

from __future__ import annotations

import sys

SMALL = 64 * 2**20
"""Bytes of a file whose numbers are read as well, since that takes a moment."""
LARGEST_RATIO = 100
"""Numbers of molecules do not compress any better."""


def hdf5(file: str) -> None:
    """Read what an HDF5 file says of itself; of a small file also its numbers.

    Raises:
        ValueError: data is in other files, was never written, or claims more than the file can hold.
    """
    import h5py

    with h5py.File(file, "r") as root:
        size = root.id.get_filesize()
        left, seen = [root], {h5py.h5o.get_info(root.id).addr}
        while left:
            one = left.pop()
            dict(one.attrs)
            if isinstance(one, h5py.Dataset):
                _require_own_data(one, size)
                if size <= SMALL:
                    one[()]
            elif isinstance(one, h5py.Group):
                for name in one:
                    if isinstance(one.get(name, getlink=True), h5py.ExternalLink):
                        raise ValueError(f"{one.name}/{name} is a link to another file")
                    child = one[name]
                    place = h5py.h5o.get_info(child.id).addr
                    if place not in seen:  # links may lead back
                        seen.add(place)
                        left.append(child)


def _require_own_data(dataset, size: int) -> None:  # type: ignore[no-untyped-def]  # h5py is imported late
    if dataset.is_virtual or dataset.external:
        raise ValueError(f"the data of {dataset.name} is in another file")
    stored = min(dataset.id.get_storage_size(), size)
    claimed = dataset.nbytes if dataset.shape is not None else 0
    if claimed and not stored:
        raise ValueError(f"{dataset.name} of shape {dataset.shape} was never written")
    if claimed > max(SMALL, LARGEST_RATIO * stored):
        raise ValueError(f"{dataset.name} claims {claimed:,} bytes, of which the file holds {stored:,}")


def structures(file: str) -> None:
    """Read structures with ASE."""
    from ase.io import iread

    for _ in iread(file, ":", do_not_split_by_at_sign=True):
        pass


def main(kind: str, file: str, memory: str) -> int:
    """Read a file with limited memory; return the exit status."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        pass
    else:
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        {"hdf5": hdf5, "structures": structures}[kind](file)
    except Exception as error:
        print(f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": "), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
