from potbench.laws import symmetry


def test_energy_and_forces_do_not_depend_on_where_a_molecule_is(holds):
    holds(symmetry.shift)


def test_forces_turn_with_the_molecule_and_its_energy_stays(holds):
    holds(symmetry.rotation)


def test_mirror_images_have_equal_energies_and_mirrored_forces(holds):
    holds(symmetry.reflection)


def test_exchanging_equal_atoms_exchanges_their_forces_only(holds):
    holds(symmetry.order_of_equal_atoms)


def test_energy_does_not_depend_on_the_order_of_atoms(holds):
    holds(symmetry.order_of_atoms)
