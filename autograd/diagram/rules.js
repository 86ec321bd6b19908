// Operations that JavaScript does not have as Python and the C library have them.
"use strict";

function power(x, y) {
  if (y === 2) return x * x;
  if (x === 1 || (x === -1 && Math.abs(y) === Infinity)) return 1; // IEEE 754; JavaScript says NaN
  return x ** y;
}

// With the sign of the divisor, as in Python.
function modulo(x, y) {
  const rest = x % y;
  if (rest === 0) return y < 0 || Object.is(y, -0) ? -0 : 0;
  return rest < 0 !== y < 0 ? rest + y : rest;
}

function floorDivide(x, y) {
  if (y === 0 || !Number.isFinite(x)) return y === 0 ? x / y : NaN;
  const quotient = (x - (x % y)) / y; // whole, but for rounding
  const lower = x % y !== 0 && x % y < 0 !== y < 0 ? quotient - 1 : quotient;
  if (lower === 0) return x / y < 0 || Object.is(x / y, -0) ? -0 : 0;
  const floor = Math.floor(lower);
  return lower - floor > 0.5 ? floor + 1 : floor;
}

function roundHalfEven(x) {
  const low = Math.floor(x);
  const rest = x - low;
  const rounded = rest < 0.5 || (rest === 0.5 && low % 2 === 0) ? low : low + 1;
  return rounded === 0 && (x < 0 || Object.is(x, -0)) ? -0 : rounded;
}

// erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1) / (1·3·…·(2n+1)): Abramowitz and Stegun, 7.1.6. No term cancels another.
function erf(x) {
  if (Math.abs(x) > 2.5) return Math.sign(x) * (1 - erfc(Math.abs(x)));
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n += 1) sum += term *= (2 * x * x) / (2 * n + 1);
  return ((2 / Math.sqrt(Math.PI)) * sum) * Math.exp(-x * x);
}

// erfc x = e^(−x²)/√π · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …)))): Abramowitz and Stegun, 7.1.14; from the far end.
function erfc(x) {
  if (Number.isNaN(x) || x < 1) return 1 - erf(x);
  if (x > 28) return 0; // less than the smallest number there is
  let fraction = x;
  for (let n = Math.ceil(20 + 300 / (x * x)); n > 0; n -= 1) fraction = x + n / 2 / fraction;
  const high = Math.fround(x); // whose square is exact: exp would magnify the rounding of x²
  return (Math.exp(-high * high) * Math.exp((high - x) * (high + x))) / Math.sqrt(Math.PI) / fraction;
}
