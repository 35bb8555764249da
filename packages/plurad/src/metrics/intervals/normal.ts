/** The normal and Student's t distribution, to about 14 digits. */

/** P(Z <= z) of the standard normal. */
export function normalCdf(z: number): number {
  if (z > 0) return 1 - normalCdf(-z)
  const x = -z
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)
  if (x < 3) {
    // P(0 < Z < x) = density * (x + x^3/3 + x^5/15 + ...), Abramowitz and Stegun 26.2.11.
    let [term, sum] = [x, x]
    for (let k = 3; Math.abs(term) > 1e-18 * sum; k += 2) {
      term *= (x * x) / k
      sum += term
    }
    return 0.5 - density * sum
  }
  // Upper tail as a continued fraction, 26.2.14.
  let fraction = x
  for (let k = 200; k >= 1; k--) fraction = x + k / fraction
  return density / fraction
}

/** The z with P(Z <= z) = p; infinite at 0 and 1. */
export function normalQuantile(p: number): number {
  if (p <= 0) return -Infinity
  if (p >= 1) return Infinity
  // The lower tail keeps its digits where the upper one rounds to 1.
  if (p > 0.5) return -normalQuantile(1 - p)
  return bisect(normalCdf, p, -40, 0)
}

/** P(-t <= T <= t) of Student's t with a whole number of degrees of freedom: 26.7.3 and 26.7.4. */
function studentWithin(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees))
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)]
  const odd = degrees % 2 === 1
  let [term, sum] = odd ? [cosine, degrees === 1 ? 0 : cosine] : [1, 1]
  for (let k = odd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= ((k - 1) / k) * cosine * cosine
    sum += term
  }
  return odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum
}

/** Two-sided p value of a t statistic. */
export function studentP(t: number, degrees: number): number {
  return Math.min(1, Math.max(0, 1 - studentWithin(Math.abs(t), degrees)))
}

/** The t that |T| stays within with probability `level`. */
export function studentQuantile(level: number, degrees: number): number {
  let high = 1
  while (studentWithin(high, degrees) < level) high *= 2
  return bisect((t) => studentWithin(t, degrees), level, 0, high)
}

/** Where a rising function reaches `value`, to the last digit. */
function bisect(of: (x: number) => number, value: number, low: number, high: number): number {
  for (;;) {
    const middle = (low + high) / 2
    if (middle <= low || middle >= high) return middle
    if (of(middle) < value) low = middle
    else high = middle
  }
}
