"""Real digits without a download."""

from pathlib import Path

import numpy as np

from optikit import Data, Dataset, load_arrays


class MnistSample(Data):
    """5,000 handwritten digits of MNIST's training part, 500 of each, shipped with optikit.

    Inputs are the 784 pixels of an image by rows, from 0 (white) to 1; targets are the digits.

    References
    ----------
    LeCun, Cortes and Burges, "The MNIST database of handwritten digits"; CC BY-SA 3.0.
    """

    name = "mnist-sample"

    def load(self) -> Dataset:
        """Read the digits, 400 of each to train on and 100 held out by default."""
        arrays = load_arrays(Path(__file__).with_name("mnist_sample.npz"), ["x", "y"])
        return self.split(arrays["x"] / 255.0, arrays["y"].astype(np.int64))
