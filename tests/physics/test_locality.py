from potbench.laws import locality


def test_an_atom_crosses_the_cutoff_without_a_jump(holds):
    holds(locality.through_the_cutoff)


def test_energy_changes_by_the_work_of_the_forces(holds):
    holds(locality.work)


def test_molecules_far_apart_have_the_sum_of_their_energies(holds):
    holds(locality.far_apart)
