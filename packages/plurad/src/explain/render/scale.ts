/** The common scale of several heatmaps. */
import { positivePart, quantileOf, smoothed, type Heatmap, type Resolution } from '../heatmap.js'

/** Of methods that give a value a pixel: single pixels stand out, which say nothing. As a share of the side. */
const SMOOTHING = 1 / 50

/** The share of such values that reach the end of the scale. */
const CLIPPED = 0.001

/** What speaks for the label, as it is shown and measured: values a pixel smoothed. */
export function evidenceOf(heatmap: Heatmap, resolution: Resolution): Heatmap {
  const evidence = positivePart(heatmap)
  if (resolution === 'map') return evidence
  return smoothed(evidence, SMOOTHING * Math.max(...heatmap.shape))
}

/** The value at the end of the scale; 0 where nothing speaks for any of the labels. */
export function topOf(evidence: readonly Heatmap[], resolution: Resolution): number {
  return Math.max(
    0,
    ...evidence.map(({ values }) =>
      resolution === 'map' ? quantileOf(values, 1) : quantileOf(values, 1 - CLIPPED),
    ),
  )
}
