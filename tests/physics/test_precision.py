from potbench.laws import precision


def test_single_precision_gives_the_energies_and_forces_of_double_precision(holds):
    holds(precision.single_precision)
