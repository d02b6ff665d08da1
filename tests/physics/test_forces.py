from potbench.laws import forces


def test_forces_are_minus_the_gradient_of_the_energy(holds):
    holds(forces.gradient)


def test_forces_on_a_molecule_sum_to_zero(holds):
    holds(forces.net_force)


def test_forces_do_not_turn_a_molecule(holds):
    holds(forces.net_torque)


def test_forces_can_be_differentiated_by_positions(holds):
    holds(forces.second_derivatives)


def test_forces_can_be_differentiated_by_weights(holds):
    holds(forces.training_gradient)
