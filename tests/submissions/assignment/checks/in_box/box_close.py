import numpy as np
print("hidden: 7 and 21")
assert np.allclose(triple(np.array([0.0, 7.0])), [0.0, 21.0])
np.testing.assert_allclose(triple(np.ones(2)), [3.0, 3.0])
