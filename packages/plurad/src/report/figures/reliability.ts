/** Reliability diagrams: in each bin of the probability, the share of positives against the mean probability. */
import type { Interval, ReliabilityBin } from '../../metrics/index.js'
import { formatScore } from '../format.js'
import type { Figure, Panel } from './figure.js'
import { lineLayer, squareFigure, type Layer, type Point } from './square.js'
import { colour } from './theme.js'

export interface LabelReliability {
  label: string
  /** Expected calibration error. */
  ece: number | null
  bins: readonly { bin: ReliabilityBin; interval: Interval | null }[]
  /** Without the calibration, where there is one. */
  before: readonly ReliabilityBin[] | null
}

export async function reliabilityFigure(labels: readonly LabelReliability[], color: string): Promise<Figure> {
  const panels = labels.map(async ({ label, ece, bins, before }): Promise<Panel> => {
    const filled = bins.filter(({ bin }) => bin.images > 0)
    const points = filled.map(({ bin, interval }) => ({
      ...pointOf(bin),
      low: interval?.[0] ?? null,
      high: interval?.[1] ?? null,
    }))
    const end = endOf([...filled.map(({ bin }) => bin), ...(before ?? []).filter(hasImages)])
    const diagonal = [0, end].map((at) => ({ at, x: at, y: at }))
    const layers: Layer[] = [
      imagesLayer(
        filled.map(({ bin }) => bin),
        end,
      ),
      lineLayer(diagonal, { color: colour.muted, strokeWidth: 1, strokeDash: [2, 3] }),
      ...(before === null ? [] : [lineLayer(before.filter(hasImages).map(pointOf), BEFORE)]),
      {
        data: { values: points.flatMap((point) => upTo(end, point)) },
        mark: { type: 'rule', color, strokeWidth: 1.25 },
        encoding: { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } },
      },
      lineLayer(points, { color, point: { filled: true, color, size: 22, opacity: 1 } }),
    ]
    const svg = await squareFigure(
      { x: 'probability', y: 'share of positives' },
      layers,
      `Reliability of ${label}, expected calibration error ${formatScore(ece)}`,
      end,
    )
    return { title: label, value: formatScore(ece), svg }
  })
  return {
    name: 'reliability',
    title: 'Reliability diagrams',
    panels: await Promise.all(panels),
    columns: [
      'label',
      'calibrated',
      'bin_low',
      'bin_high',
      'images',
      'mean_probability',
      'share_of_positives',
      'low',
      'high',
    ],
    rows: labels.flatMap(({ label, bins, before }) => [
      ...(before ?? []).map((bin) => binRow(label, 'before', bin, null)),
      ...bins.map(({ bin, interval }) => binRow(label, before === null ? '' : 'after', bin, interval)),
    ]),
  }
}

const BEFORE = { color: colour.val, strokeWidth: 1.25, strokeDash: [4, 3] }

/** The part of an interval that the panel has room for. */
function upTo<P extends { low: number | null; high: number | null }>(end: number, point: P): P[] {
  if (point.low === null || point.high === null) return []
  return [{ ...point, low: Math.min(end, point.low), high: Math.min(end, point.high) }]
}

/** Where the axes of a label end that is never called likely: its few bins would fill a corner. */
function endOf(bins: readonly ReliabilityBin[]): number {
  const most = Math.max(0, ...bins.map(({ high, images, positives }) => Math.max(high, positives / images)))
  return ENDS.find((end) => most <= end + 1e-3) ?? 1
}

const ENDS = [0.2, 0.4]

function hasImages({ images }: ReliabilityBin): boolean {
  return images > 0
}

function pointOf({ images, positives, probabilities }: ReliabilityBin): Point {
  const x = probabilities / images
  return { at: x, x, y: positives / images }
}

/** How many images a bin has: bars from the floor, a quarter of the panel for the fullest; a tenfold is a step. */
function imagesLayer(bins: readonly ReliabilityBin[], end: number): Layer {
  const most = Math.log1p(Math.max(1, ...bins.map(({ images }) => images)))
  const values = bins.map(({ low, high, images }) => ({
    x: low + 0.006 * end,
    right: Math.min(high, end) - 0.006 * end,
    y: 0,
    top: (0.25 * end * Math.log1p(images)) / most,
  }))
  return {
    data: { values },
    mark: { type: 'rect', color: colour.muted, opacity: 0.22 },
    encoding: { x2: { field: 'right' }, y2: { field: 'top' } },
  }
}

function binRow(
  label: string,
  which: string,
  bin: ReliabilityBin,
  interval: Interval | null,
): (string | number | null)[] {
  const { low, high, images, positives, probabilities } = bin
  const [mean, share] = images === 0 ? [null, null] : [probabilities / images, positives / images]
  return [label, which, low, high, images, mean, share, interval?.[0] ?? null, interval?.[1] ?? null]
}
