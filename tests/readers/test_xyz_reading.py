"""Extended XYZ is read at once where it is plain; what comes of it is what ASE reads, whatever the file."""

from __future__ import annotations

import gzip
import random

import numpy as np
import pytest

from potbench.errors import DataFileError
from potbench.readers import xyz_lines
from potbench.readers.checks import require_molecule
from potbench.readers.extended_xyz import read_frames
from potbench.readers.frame import ReadFrame
from potbench.readers.images import read_images
from potbench.readers.xyz_alike import Alike
from potbench.readers.xyz_reading import _Reading

PLAIN = """3
Properties=species:S:1:pos:R:3:forces:R:3:mass_like:R:1 energy=-76.4321 id=7 name=water pbc="F F F"
O        0.00000000       0.00000000       0.11926200       0.10000000      -0.20000000       0.30000000 15.999
H        0.00000000       0.76323900      -0.47704700      -0.05000000       0.10000000      1.5e-01     1.008
H        0.00000000      -0.76323900      -0.47704700      -0.05000000       0.10000000      -.45        1.008
"""
OTHER = """2
Properties=species:S:1:pos:R:3 energy=-2.5 label="a b" list="[1, 2]" json="_JSON [1.5, {}]" uid=12.5
Cl 0 0 0
Na 0 0 2.36
"""
SINGLE = "1\nProperties=species:S:1:pos:R:3 energy=-13.6 config_type=IsolatedAtom free_energy=-13\nH 0.0 0.0 0.0\n"


def by_ase(file):
    for number, image in enumerate(read_images(file)):
        require_molecule(image, f"{file}, frame {number}")
        yield ReadFrame.of_image(image)


def all_until_error(frames):
    found = []
    try:
        for frame in frames:
            found.append(frame)
    except DataFileError as error:
        return found, str(error)
    return found, None


def require_same(file):
    (ours, our_error), (theirs, their_error) = (all_until_error(read(file)) for read in (read_frames, by_ase))
    assert our_error == their_error
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert one.equals(other)
        assert one.formula == other.formula
    return ours, our_error


def with_atoms(*lines, comment="Properties=species:S:1:pos:R:3 energy=1.5"):
    return f"{len(lines)}\n{comment}\n" + "".join(f"{line}\n" for line in lines)


def commented(comment):
    return with_atoms("H 0 0 0", "H 0 0 1", comment=comment)


ODD = {
    "exponents": with_atoms("H 1e0 1E+1 -1.5e-3", "H .5 5. +1"),
    "long numbers": with_atoms(
        "H 0.1234567890123456789012345 1e-320 1e308", "H 9007199254740993 0.30000000000000004 1e23"
    ),
    "overflow": with_atoms("H 1e999 0 0"),
    "not a number": with_atoms("H nan 0 0", "H inf 0 -infinity"),
    "not a number, in other words": with_atoms("H nan(1) 0 0"),
    "a symbol on another line": with_atoms("H 0 0 0 H", "0 0 0"),
    "a symbol with a number": with_atoms("He1 0 0 0"),
    "underscores": with_atoms("H 1_0 0 0"),
    "two numbers in one": with_atoms("H 1-2 0 0", "H 1 0 e"),
    "two points": with_atoms("H 1.2.3 0 0"),
    "a bare exponent": with_atoms("H 1e 0 0"),
    "columns that even out": with_atoms("H 0 0 0 0", "H 0 0"),
    "a line that is missing": with_atoms("H 0 0 0", "", "H 0 0 1"),
    "small letters": with_atoms("h 0 0 0", "CL 0 0 2"),
    "no element": with_atoms("Xx 0 0 0"),
    "a dummy": with_atoms("X 0 0 0"),
    "longer symbols": with_atoms("Carbon 0 0 0"),
    "numbers for symbols": with_atoms("6 0 0 0"),
    "tabs": with_atoms("H\t0\t0\t0"),
    "no-break spaces": with_atoms("H\xa00 0 0"),
    "spaces around": with_atoms("  H 0 0 0  ", "H   0 0 1"),
    "carriage returns": PLAIN.replace("\n", "\r\n"),
    "other columns": with_atoms("H 0 0 0 1", comment="Properties=species:S:1:pos:R:3:tag:I:1 energy=1"),
    "a column of logical values": with_atoms(
        "H 0 0 0 T", comment="Properties=species:S:1:pos:R:3:move_mask:L:1 energy=1"
    ),
    "atomic numbers": with_atoms("6 0 0 0", comment="Properties=Z:I:1:pos:R:3 energy=1"),
    "symbols later": with_atoms("0 0 0 H", comment="Properties=pos:R:3:species:S:1 energy=1"),
    "charges": with_atoms("H 0 0 0 .5", comment="Properties=species:S:1:pos:R:3:charge:R:1 energy=1"),
    "masses": with_atoms("H 0 0 0 .5", comment="Properties=species:S:1:pos:R:3:masses:R:1 energy=1"),
    "one column twice": with_atoms("H 0 0 0 1 1 1", comment="Properties=species:S:1:pos:R:3:pos:R:3 energy=1"),
    "atomic numbers that are not whole": with_atoms("8.6 0 0 0", comment="Properties=Z:R:1:pos:R:3 energy=1"),
    "columns without names": with_atoms("H 0 0 0 1 2 3", "H 0 0 1 1 2 x", comment="-1.5"),
    "properties in small letters": with_atoms("H 0 0 0 1 2 3", comment="properties=species:S:1:pos:R:3:forces:R:3"),
    "no positions": with_atoms("H 0 0 0", comment="Properties=species:S:1:forces:R:3 energy=1"),
    "two coordinates": with_atoms("H 0 0 0", comment="Properties=species:S:1:pos:R:2:a:R:1 energy=1"),
    "forces of the comment too": with_atoms(
        "H 0 0 0 1 1 1", comment='Properties=species:S:1:pos:R:3:forces:R:3 forces="1 2"'
    ),
    "no properties": with_atoms("H 0 0 0", comment="energy=1.5"),
    "properties in another name": commented("my_Properties=a:S:1:b:R:9 Properties=species:S:1:pos:R:3 energy=1"),
    "a nameless comment": with_atoms("H 0 0 0", comment="a comment"),
    "an empty comment": with_atoms("H 0 0 0", comment=""),
    "nested quotes": commented("""Properties=species:S:1:pos:R:3 a="b='c'" d={1 2} e="f\\"g" """),
    "a name without a value": commented("Properties=species:S:1:pos:R:3 energy=1 converged"),
    "a name twice": commented("Properties=species:S:1:pos:R:3 energy=1 energy=2"),
    "text for an energy": commented("Properties=species:S:1:pos:R:3 energy=low"),
    "logical values": commented('Properties=species:S:1:pos:R:3 energy=T flags="T F" other=false'),
    "vectors": commented('Properties=species:S:1:pos:R:3 energy="1 2" q="1.0, 2.0" empty=""'),
    "stress": commented('Properties=species:S:1:pos:R:3 stress="1 2 3 4 5 6 7 8 9" virial="1 2 3 4 5 6 7 8 9"'),
    "wrong stress": commented("Properties=species:S:1:pos:R:3 virial=1.5"),
    "a dipole": commented('Properties=species:S:1:pos:R:3 dipole="1 2 3" energy=1'),
    "large whole numbers": commented("Properties=species:S:1:pos:R:3 id=123456789012345678901234567890"),
    "wrong json": commented('Properties=species:S:1:pos:R:3 a="_JSON [1,"'),
    "spaces around equals": commented("Properties=species:S:1:pos:R:3 energy = 1"),
    "letters of others": commented("Properties=species:S:1:pos:R:3 length_unit=Å energy=1.0"),
    "other blanks": commented("Properties=species:S:1:pos:R:3 a=b\x1cc energy=1.0\t"),
    "periodic": commented('Properties=species:S:1:pos:R:3 energy=1 pbc="F F T"'),
    "a lattice": commented('Properties=species:S:1:pos:R:3 energy=1 Lattice="9 0 0 0 9 0 0 0 9"'),
    "a lattice that is none": commented(
        'Properties=species:S:1:pos:R:3 energy=1 Lattice="9 0 0 0 9 0 0 0 9" pbc="F F F"'
    ),
    "vectors of a cell": with_atoms("H 0 0 0") + "VEC1 1 0 0\n",
    "no atoms": "0\n\n",
    "too many atoms": "1000000000\n\n",
    "too many digits": "9" * 5000 + "\n\n",
    "letters for digits": "２\nProperties=species:S:1:pos:R:3 energy=1.0\nH 0 0 0\nH 0 0 1\n",
    "a long line": commented("Properties=species:S:1:pos:R:3 a=" + "1" * 2**20),
    "a long line of an atom": with_atoms("H 0 0 0" + " " * 2**20),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_frames_are_what_ase_reads_and_refused_in_the_same_words(tmp_path, odd):
    # twice, so that they can be a kind; behind a plain one of the same kind; between others that are read at once
    text = PLAIN * 3 + SINGLE + with_atoms("H 0 0 0") + ODD[odd] * 2 + PLAIN + OTHER
    (tmp_path / "a.xyz").write_text(text, encoding="utf-8")
    require_same(tmp_path / "a.xyz")


@pytest.mark.parametrize("part", [1, 50, 700, 2**22])
def test_files_may_be_mutated_anywhere_and_read_in_parts_of_any_size(tmp_path, monkeypatch, part):
    monkeypatch.setattr(xyz_lines, "PART", part)
    draw = random.Random(part)
    text = PLAIN * 2 + SINGLE * 2 + OTHER * 2 + PLAIN
    file = tmp_path / "a.xyz"
    refused = 0
    for _ in range(120):
        mutated = list(text)
        for _ in range(draw.randint(0, 2)):
            at = draw.randrange(len(text))
            mutated[at] = draw.choice(
                ["", " ", "\n", "\t", "0", "-", ".", "e", "H", "=", '"', ":", "Å", mutated[at] * 2]
            )
        file.write_text("".join(mutated)[: draw.choice([len(text), draw.randrange(len(text))])], encoding="utf-8")
        refused += require_same(file)[1] is not None
    assert 20 < refused < 100


@pytest.mark.parametrize("damage", ["not utf-8", "cut off"])
def test_damage_is_found_at_the_frame_where_ase_finds_it(tmp_path, damage):
    raw = (PLAIN * 1000).encode()
    if damage == "not utf-8":
        file = tmp_path / "a.xyz"
        file.write_bytes(raw[:300_000] + b"\xff" + raw[300_000:])
    else:
        file = tmp_path / "a.xyz.gz"
        compressed = gzip.compress(raw)
        file.write_bytes(compressed[: len(compressed) // 2])
    frames, error = require_same(file)
    assert frames
    assert "from frame" in error


def test_frames_that_are_alike_are_read_by_ase_once(tmp_path, monkeypatch):
    read = []
    by_ase = _Reading.next_by_ase
    monkeypatch.setattr(_Reading, "next_by_ase", lambda self: read.append(self.number) or by_ase(self))
    (tmp_path / "a.xyz").write_text(PLAIN * 20 + SINGLE * 3 + PLAIN * 20 + OTHER * 5)
    assert len(list(read_frames(tmp_path / "a.xyz"))) == 48
    # the first of each kind; behind the last frame, that there is none
    assert read == [0, 20, 43, 48]


def test_numbers_of_frames_are_those_of_python(tmp_path):
    draw = np.random.default_rng(0)
    written = [[repr(float(x)) for x in draw.normal(size=3) * 10.0 ** draw.integers(-12, 12, 3)] for _ in range(300)]
    (tmp_path / "a.xyz").write_text("".join(with_atoms(" ".join(["C", *row])) for row in written))
    found = np.concatenate([frame.positions for frame in read_frames(tmp_path / "a.xyz")])
    assert (found == np.array([[float(x) for x in row] for row in written])).all()


def test_a_kind_of_which_ase_makes_something_else_is_left_to_it(tmp_path, monkeypatch):
    kinds = []
    like = Alike.like
    monkeypatch.setattr(Alike, "like", lambda *arguments: kinds.append(like(*arguments)) or kinds[-1])
    (tmp_path / "a.xyz").write_text(ODD["charges"] * 3 + PLAIN * 3)
    assert len(list(read_frames(tmp_path / "a.xyz"))) == 6
    assert [kind is None for kind in kinds] == [True, False]


@pytest.mark.parametrize(
    ("comment", "name"),
    [
        ("energy=1 energy=2", "energy"),
        ("energy = 1 a energy= 2", "energy"),
        ("Properties=species:S:1:pos:R:3 Properties=species:S:1:pos:R:3 energy=1", "Properties"),
        ('a="b=\'c\'" d={1 2} e="f\\"g" d=3', "d"),
    ],
)
def test_a_name_with_two_values_is_refused(tmp_path, comment, name):
    (tmp_path / "a.xyz").write_text(with_atoms("H 0 0 0", comment=comment))
    for read in (read_frames, read_images):
        with pytest.raises(DataFileError, match=f"the comment states {name} twice"):
            list(read(tmp_path / "a.xyz"))


@pytest.mark.parametrize(
    "comment",
    [
        "a=\"energy=1 b\" energy=2 c='energy=3'",
        'e="f\\" energy=1" energy=2',
        "T T energy=1",
        "a={energy=1} energy=[energy=1]",
    ],
)
def test_names_inside_of_values_are_no_names(tmp_path, comment):
    (tmp_path / "a.xyz").write_text(with_atoms("H 0 0 0", comment=comment))
    assert len(list(read_frames(tmp_path / "a.xyz"))) == 1


@pytest.mark.parametrize(
    ("properties", "atom", "says"),
    [
        ("Z:R:1:pos:R:3", "8.6 0 0 0", "the atomic number 8.6 is no whole number"),
        ("species:S:1:pos:R:3:Z:I:1", "O 0 0 0 7", "atom O has the atomic number 7"),
        ("numbers:R:1:symbols:S:1:pos:R:3", "7 O 0 0 0", "atom O has the atomic number 7"),
    ],
)
def test_atomic_numbers_that_are_not_whole_or_contradict_symbols_are_refused(tmp_path, properties, atom, says):
    (tmp_path / "a.xyz").write_text(with_atoms(atom, comment=f"Properties={properties} energy=1"))
    for read in (read_frames, read_images):
        with pytest.raises(DataFileError, match=says):
            list(read(tmp_path / "a.xyz"))


def test_atomic_numbers_beside_symbols_or_names_of_a_force_field_are_read(tmp_path):
    lines = with_atoms("O 0 0 0 8", "HW 0 0 1 1.0", comment="Properties=species:S:1:pos:R:3:Z:R:1 energy=1")
    (tmp_path / "a.xyz").write_text(lines)
    (frame,) = read_frames(tmp_path / "a.xyz")
    assert frame.atomic_numbers.tolist() == [8, 1]


@pytest.mark.parametrize(
    ("columns", "name", "shape"),
    [("1 2 3", "columns_5-7", (1, 3)), ("0.5", "column_5", (1,)), ("1 x", "columns_5-6", (1, 2))],
)
def test_columns_without_names_are_kept_by_their_places(tmp_path, columns, name, shape):
    (tmp_path / "a.xyz").write_text(with_atoms(f"H 0 0 0 {columns}", comment="a comment") * 2)
    for frame in read_frames(tmp_path / "a.xyz"):
        assert frame.values[name].shape == shape
        assert {"a", "comment"} <= set(frame.values)


def test_further_lines_are_got_once_where_frames_are_not_plain(tmp_path, monkeypatch):
    fills = []
    fill = xyz_lines.Lines.fill
    monkeypatch.setattr(xyz_lines.Lines, "fill", lambda lines: (fills.append(lines.next), fill(lines))[1])
    (tmp_path / "a.xyz").write_text("".join(with_atoms("H 0 0 0", comment=f"-{number}.5") for number in range(100)))
    assert len(list(read_frames(tmp_path / "a.xyz"))) == 100
    assert len(fills) <= 2
