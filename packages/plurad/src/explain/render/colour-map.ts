/**
 * The colours of heatmaps: inferno (van der Walt and Smith, matplotlib 2015, CC0), from black over purple and orange to light
 * yellow, in which equal steps of the value look equally large, also in grey and to the colour-blind. As polynomials of
 * degree 6 (Zucker, shadertoy WlfXRN, CC0), which are within 0.01 of the table.
 */
const coefficients: readonly (readonly [red: number, green: number, blue: number])[] = [
  [0.0002189403691192265, 0.001651004631001012, -0.01948089843709184],
  [0.1065134194856116, 0.5639564367884091, 3.932712388889277],
  [11.60249308247187, -3.972853965665698, -15.9423941062914],
  [-41.70399613139459, 17.43639888205313, 44.35414519872813],
  [77.162935699427, -33.40235894210092, -81.80730925738993],
  [-71.31942824499214, 32.62606426397723, 73.20951985803202],
  [25.13112622477341, -12.24266895238567, -23.07032500287172],
]

/**
 * @param value 0 to 1; what is outside counts as the nearer of them
 * @returns red, green and blue, 0 to 1
 */
export function infernoAt(value: number): [number, number, number] {
  const t = Math.min(Math.max(value, 0), 1)
  const channel = (at: 0 | 1 | 2): number => {
    const sum = coefficients.reduceRight((total, row) => total * t + row[at], 0)
    return Math.min(Math.max(sum, 0), 1)
  }
  return [channel(0), channel(1), channel(2)]
}

/** How much of the picture a heatmap covers where its value is highest. */
const OPACITY = 0.72

/** From this share of the scale on it covers so much; below, less and less, so that the picture stays visible. */
const FULL = 0.45

/**
 * A picture's colour under a heatmap.
 *
 * @param picture red, green and blue, 0 to 1
 * @param value share of the scale; NaN and negative leave the picture as it is
 */
export function blended(picture: readonly [number, number, number], value: number): [number, number, number] {
  if (!(value > 0)) return [...picture]
  const opacity = OPACITY * Math.min(1, value / FULL)
  const colour = infernoAt(value)
  const mix = (at: 0 | 1 | 2): number => picture[at] * (1 - opacity) + colour[at] * opacity
  return [mix(0), mix(1), mix(2)]
}
