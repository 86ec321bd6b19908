"""The same loop in C, written plainly, at gcc -O3 -march=native."""

import ctypes
import subprocess
import tempfile
from pathlib import Path

from data import HIDDEN, HIDDEN_BIAS, INPUTS, LOSSES_AT, OUTPUT, OUTPUT_BIAS, RATE, TARGETS

SOURCE = r"""
#include <math.h>
static double sigmoid(double z) { return 1.0 / (1.0 + exp(-z)); }
double train(double *p, const double *x, const double *t, double b1, double b2, double rate, long steps) {
    double *v = p, *w = p + 4, h[2], y[2], d[2], e[2], loss = 0.0;
    for (long n = 0; n <= steps; n++) {
        for (int i = 0; i < 2; i++) h[i] = sigmoid(v[2 * i] * x[0] + v[2 * i + 1] * x[1] + b1);
        for (int i = 0; i < 2; i++) y[i] = sigmoid(w[2 * i] * h[0] + w[2 * i + 1] * h[1] + b2);
        loss = 0.0;
        for (int i = 0; i < 2; i++) {
            loss += 0.5 * (t[i] - y[i]) * (t[i] - y[i]);
            d[i] = (y[i] - t[i]) * y[i] * (1.0 - y[i]);
        }
        if (n == steps) break;
        for (int j = 0; j < 2; j++) e[j] = (d[0] * w[j] + d[1] * w[2 + j]) * h[j] * (1.0 - h[j]);
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++) {
                w[2 * i + j] -= rate * d[i] * h[j];
                v[2 * i + j] -= rate * e[i] * x[j];
            }
    }
    return loss;
}
"""


def prepare():
    folder = Path(tempfile.mkdtemp())
    (folder / "train.c").write_text(SOURCE, encoding="utf-8")
    command = ["gcc", "-O3", "-march=native", "-shared", "-fPIC", "-o", folder / "train.so", folder / "train.c", "-lm"]
    subprocess.run(command, check=True)
    train = ctypes.CDLL(str(folder / "train.so")).train
    double, array = ctypes.c_double, ctypes.c_double * 8
    train.restype = double
    train.argtypes = [array, double * 2, double * 2, double, double, double, ctypes.c_long]
    begin = [w for row in (*HIDDEN, *OUTPUT) for w in row]
    x, t = (double * 2)(*INPUTS), (double * 2)(*TARGETS)
    return lambda: train(array(*begin), x, t, HIDDEN_BIAS, OUTPUT_BIAS, RATE, max(LOSSES_AT))
