// What pages share: numbers as they are written, and operations that JavaScript has otherwise than Python, or not at all.
"use strict";

const SIGNS = ["positive", "negative", "zero", "broken", "unset"];
const MARKS = { positive: "▲", negative: "▼", zero: "", broken: "!", unset: "" };

// Four digits, a true minus, no negative zero: what `number` in autograd/diagram/text.py writes.
function number(x, digits = 4) {
  if (x === null || x === undefined) return "·";
  if (x === 0) return "0";
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "−inf";
  const sign = x < 0 ? "−" : "";
  let [mantissa, power] = Math.abs(x).toExponential(digits - 1).split("e");
  const [exact, below] = Math.abs(x).toExponential(60).split("e");
  const half = digits + 1; // where the digit after the last one stands
  if (/^50*$/.test(exact.slice(half)) && Number(exact[half - 1]) % 2 === 0) {
    [mantissa, power] = [exact.slice(0, half), below]; // just between two numbers Python takes the even one
  }
  const exponent = Number(power);
  const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent >= -4 && exponent < digits) {
    return sign + trimmed(Number(`${mantissa}e${exponent}`).toFixed(digits - 1 - exponent));
  }
  return `${sign}${trimmed(mantissa)}e${exponent < 0 ? "−" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function signOf(x) {
  if (x === null) return "unset";
  return !Number.isFinite(x) ? "broken" : x > 0 ? "positive" : x < 0 ? "negative" : "zero";
}

const marked = (x, digits = 4) => `${MARKS[signOf(x)]} ${number(x, digits)}`.trim();

// Of a line that carries so much gradient: a decade is 0.84 points, as `line_width` in autograd/diagram/theme.py.
function lineWidth(flow) {
  if (flow === 0 || Number.isNaN(flow)) return 1;
  const magnitude = Math.log10(Math.min(Math.abs(flow), 1e300));
  return 0.8 + 4.2 * Math.min(Math.max((magnitude + 4) / 5, 0), 1);
}

// The controls that lead from one position to the next: buttons, slider, keys, and playing. `show` draws a position.
function transport(part, keyboard, last, show) {
  let [at, timer] = [0, null];

  function stop() {
    clearInterval(timer);
    timer = null;
    part("play").textContent = "Play";
    part("play").setAttribute("aria-pressed", "false");
  }

  function to(index) {
    at = Math.max(0, Math.min(index, last));
    part("slider").value = String(at);
    part("first").disabled = part("previous").disabled = at === 0;
    part("last").disabled = part("next").disabled = at === last;
    show(at);
    if (at === last) stop();
  }

  function play() {
    if (timer !== null) {
      stop();
      return;
    }
    if (at === last) to(0);
    if (last === 0) return;
    part("play").textContent = "Pause";
    part("play").setAttribute("aria-pressed", "true");
    timer = setInterval(() => to(at + 1), Number(part("speed").value));
  }

  function go(index) {
    stop();
    to(index);
  }

  const goes = { first: () => go(0), previous: () => go(at - 1), next: () => go(at + 1), last: () => go(last), play };
  for (const [name, act] of Object.entries(goes)) part(name).addEventListener("click", act);
  part("speed").addEventListener("change", () => {
    if (timer === null) return;
    stop();
    play();
  });
  part("slider").max = String(last);
  part("slider").addEventListener("input", () => go(Number(part("slider").value)));
  const keys = { ArrowRight: goes.next, ArrowLeft: goes.previous, Home: goes.first, End: goes.last, " ": play };
  keyboard.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !(event.key in keys)) return;
    const tag = event.target.tagName;
    if (tag === "SELECT" || (event.key === " " && (tag === "BUTTON" || tag === "SUMMARY"))) return;
    event.preventDefault();
    keys[event.key]();
  });
  return { to, go, playing: () => timer !== null };
}

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
