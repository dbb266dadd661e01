"""The solver (HiGHS), silent: whatever it would say of itself would go to the standard output, where answers go."""

import highspy


class Solver(highspy.Highs):
    """A solver that says nothing, works alone, and answers the same to the same question."""

    def __init__(self) -> None:
        # What highspy.Highs adds is callbacks, which announce the version of HiGHS on the standard output.
        super(highspy.Highs, self).__init__()
        for option, value in (("output_flag", False), ("parallel", "off"), ("random_seed", 0)):
            self.setOptionValue(option, value)
