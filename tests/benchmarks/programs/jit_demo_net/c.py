"""The step as a C programmer writes it: loops over samples, neurons and weights, at gcc -O3 -march=native."""

import ctypes
import subprocess
import tempfile
from pathlib import Path

from nets import DECAY, RATE, start

SOURCE = r"""
#include <string.h>
enum { N = 100, H = 16, P = 337 };

double step(double *p, const double *x, const double *t) {
    double g[P] = {0}, loss = 0.0;
    const double *w1 = p, *w2 = p + H * 3, *w3 = w2 + H * (H + 1);
    double *g1 = g, *g2 = g + H * 3, *g3 = g2 + H * (H + 1);
    for (int n = 0; n < N; n++) {
        double a[H], b[H], da[H] = {0}, db[H];
        for (int i = 0; i < H; i++) {
            double z = w1[3 * i + 2] + w1[3 * i] * x[2 * n] + w1[3 * i + 1] * x[2 * n + 1];
            a[i] = z > 0.0 ? z : 0.0;
        }
        for (int i = 0; i < H; i++) {
            double z = w2[(H + 1) * i + H];
            for (int j = 0; j < H; j++) z += w2[(H + 1) * i + j] * a[j];
            b[i] = z > 0.0 ? z : 0.0;
        }
        double score = w3[H];
        for (int i = 0; i < H; i++) score += w3[i] * b[i];
        double margin = 1.0 - t[n] * score;
        double d = margin > 0.0 ? -t[n] : 0.0;  /* no sample is skipped, so that the work stays the same */
        loss += margin > 0.0 ? margin : 0.0;
        for (int i = 0; i < H; i++) {
            g3[i] += d * b[i];
            db[i] = b[i] > 0.0 ? d * w3[i] : 0.0;
        }
        g3[H] += d;
        for (int i = 0; i < H; i++) {
            for (int j = 0; j < H; j++) {
                g2[(H + 1) * i + j] += db[i] * a[j];
                da[j] += db[i] * w2[(H + 1) * i + j];
            }
            g2[(H + 1) * i + H] += db[i];
        }
        for (int i = 0; i < H; i++) {
            double e = a[i] > 0.0 ? da[i] : 0.0;
            g1[3 * i] += e * x[2 * n];
            g1[3 * i + 1] += e * x[2 * n + 1];
            g1[3 * i + 2] += e;
        }
    }
    loss /= N;
    for (int k = 0; k < P; k++) {
        loss += DECAY * p[k] * p[k];
        p[k] -= RATE * (g[k] / N + 2.0 * DECAY * p[k]);
    }
    return loss;
}
"""


def prepare():
    points, labels, flat = start()
    folder = Path(tempfile.mkdtemp())
    (folder / "step.c").write_text(SOURCE.replace("DECAY", repr(DECAY)).replace("RATE", repr(RATE)), encoding="utf-8")
    command = ["gcc", "-O3", "-march=native", "-shared", "-fPIC", "-o", folder / "step.so", folder / "step.c", "-lm"]
    subprocess.run(command, check=True)
    function = ctypes.CDLL(str(folder / "step.so")).step
    function.restype = ctypes.c_double
    numbers = [x for point in points for x in point]
    p, x, t = ((ctypes.c_double * len(xs))(*xs) for xs in (flat, numbers, labels))
    return lambda: function(p, x, t)
