"""The same in C, forward and back by hand, with the states of the way kept, at gcc -O3 -march=native."""

import ctypes
import subprocess
import tempfile
from pathlib import Path

from predators import RATES, START, STEPS, H

from rosenbrock import measured

SOURCE = r"""
static double way[%(steps)d][2];
static const double h = %(h)r;
static void slope(const double *s, const double *p, double *k) {
    k[0] = p[0] * s[0] - p[1] * s[0] * s[1];
    k[1] = p[2] * s[0] * s[1] - p[3] * s[1];
}
static void moved(const double *s, const double *k, double by, double *out) {
    for (int i = 0; i < 2; i++) out[i] = s[i] + by * k[i];
}
static void back(const double *s, const double *p, const double *kb, double *sb, double *pb) {
    sb[0] += kb[0] * (p[0] - p[1] * s[1]) + kb[1] * p[2] * s[1];
    sb[1] += kb[1] * (p[2] * s[0] - p[3]) - kb[0] * p[1] * s[0];
    pb[0] += kb[0] * s[0];
    pb[1] -= kb[0] * s[0] * s[1];
    pb[2] += kb[1] * s[0] * s[1];
    pb[3] -= kb[1] * s[1];
}
void gradient(const double *start, const double *p, double *out) {
    double s[2] = {start[0], start[1]}, k1[2], k2[2], k3[2], k4[2], t2[2], t3[2], t4[2];
    double sb[2] = {1.0, 1.0}, pb[4] = {0.0, 0.0, 0.0, 0.0};
    for (int n = 0; n < %(steps)d; n++) {
        for (int i = 0; i < 2; i++) way[n][i] = s[i];
        slope(s, p, k1); moved(s, k1, h / 2, t2);
        slope(t2, p, k2); moved(s, k2, h / 2, t3);
        slope(t3, p, k3); moved(s, k3, h, t4);
        slope(t4, p, k4);
        for (int i = 0; i < 2; i++) s[i] += h / 6 * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]);
    }
    for (int n = %(steps)d - 1; n >= 0; n--) {
        const double *at = way[n];
        slope(at, p, k1); moved(at, k1, h / 2, t2);
        slope(t2, p, k2); moved(at, k2, h / 2, t3);
        slope(t3, p, k3); moved(at, k3, h, t4);
        double b1[2], b2[2], b3[2], b4[2], before[2] = {sb[0], sb[1]};
        for (int i = 0; i < 2; i++) {
            b1[i] = b4[i] = h / 6 * sb[i];
            b2[i] = b3[i] = 2 * b1[i];
        }
        double *of[3] = {b3, b2, b1}, *behind[3] = {b4, b3, b2}, *point[3] = {t4, t3, t2};
        const double by[3] = {h, h / 2, h / 2};
        for (int m = 0; m < 3; m++) {
            double tb[2] = {0.0, 0.0};
            back(point[m], p, behind[m], tb, pb);
            for (int i = 0; i < 2; i++) {
                before[i] += tb[i];
                of[m][i] += by[m] * tb[i];
            }
        }
        back(at, p, b1, before, pb);
        for (int i = 0; i < 2; i++) sb[i] = before[i];
    }
    for (int i = 0; i < 2; i++) out[i] = sb[i];
    for (int i = 0; i < 4; i++) out[2 + i] = pb[i];
}
"""


def prepare():
    folder = Path(tempfile.mkdtemp())
    (folder / "way.c").write_text(SOURCE % {"steps": STEPS, "h": H}, encoding="utf-8")
    command = ["gcc", "-O3", "-march=native", "-shared", "-fPIC", "-o", folder / "way.so", folder / "way.c"]
    subprocess.run(command, check=True)
    gradient = ctypes.CDLL(str(folder / "way.so")).gradient
    start, rates, out = (ctypes.c_double * 2)(*START), (ctypes.c_double * 4)(*RATES), (ctypes.c_double * 6)()

    def call():
        gradient(start, rates, out)
        return list(out)

    return call


measure = measured(prepare, list)
