from potbench.laws import batching


def test_energy_does_not_depend_on_batch_mates(holds):
    holds(batching.batch_mates)


def test_energy_does_not_depend_on_the_order_of_molecules(holds):
    holds(batching.order_of_molecules)


def test_a_molecule_alone_is_a_batch_like_any_other(holds):
    holds(batching.batch_of_one)


def test_a_single_atom_has_a_finite_energy_and_no_force(holds):
    holds(batching.single_atom)
