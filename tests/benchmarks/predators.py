"""Lotka and Volterra's predators and prey: 10,000 Runge-Kutta steps, and the gradient by start and rates."""

STEPS, H = 10_000, 0.001
START, RATES = [1.0, 0.5], [1.1, 0.4, 0.1, 0.4]


def advanced(state, rates):
    """One classical Runge-Kutta step, for any kind of number."""
    a, b, c, d = rates

    def slope(s):
        return [a * s[0] - b * s[0] * s[1], c * s[0] * s[1] - d * s[1]]

    def moved(k, h):
        return [x + h * v for x, v in zip(state, k, strict=True)]

    k1 = slope(state)
    k2 = slope(moved(k1, H / 2))
    k3 = slope(moved(k2, H / 2))
    k4 = slope(moved(k3, H))
    return [x + H / 6 * (p + 2 * q + 2 * r + s) for x, p, q, r, s in zip(state, k1, k2, k3, k4, strict=True)]
