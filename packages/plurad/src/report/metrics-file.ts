/** What a report reads of `metrics.json`: of a run, or of an evaluation, which has one set of metrics only. */
import { z } from 'zod'
import {
  calibrationSchema as parametersSchema,
  labelMetricNames,
  type GroupMetrics,
  type LabelGroup,
  type LabelMetricName,
  type MetricsIntervals,
  type MultilabelMetrics,
  type OperatingPoint,
  type ReliabilityBin,
} from '../metrics/index.js'

const metricValue = z
  .number()
  .nullish()
  .transform((value) => value ?? null)

const metricShape = Object.fromEntries(labelMetricNames.map((name) => [name, metricValue])) as Record<
  LabelMetricName,
  typeof metricValue
>

const interval = z.tuple([z.number(), z.number()]).nullable()
const intervals = z.record(z.string(), interval)

const intervalsSchema: z.ZodType<MetricsIntervals> = z.object({
  method: z.enum(['percentile', 'bca']),
  level: z.number(),
  repetitions: z.number(),
  seed: z.number(),
  clustered_by: z.literal('patient'),
  labels: z.array(z.object({ label: z.string(), intervals })),
  means: z.record(z.string(), intervals),
})

const binSchema: z.ZodType<ReliabilityBin> = z.object({
  low: z.number(),
  high: z.number(),
  images: z.number(),
  positives: z.number(),
  probabilities: z.number(),
})

const calibrationSchema = z.object({
  method: z.string(),
  parameters: parametersSchema.optional(),
  /** Labels that keep their scores. */
  uncalibrated: z.array(z.string()).default([]),
  /** Means over labels, without the calibration. */
  before: z.object({ brier: metricValue, ece: metricValue }),
  after: z.object({ brier: metricValue, ece: metricValue }).optional(),
  reliability: z
    .array(z.object({ label: z.string(), before: z.array(binSchema), after: z.array(binSchema) }))
    .default([]),
})

const pointSchema: z.ZodType<OperatingPoint> = z.discriminatedUnion('rule', [
  z.object({ rule: z.literal('fixed'), threshold: z.number() }),
  z.object({ rule: z.literal('youden') }),
  z.object({ rule: z.literal('max_f1') }),
  z.object({ rule: z.literal('sensitivity'), target: z.number() }),
  z.object({ rule: z.literal('specificity'), target: z.number() }),
])

const groupSchema: z.ZodType<GroupMetrics> = z.object({ ...metricShape, labels: z.array(z.string()) })

const splitSchema = z.object({
  images: z.number(),
  labels: z.array(
    z
      .object({
        ...metricShape,
        label: z.string(),
        threshold: metricValue,
        positives: z.number(),
        negatives: z.number(),
        unknown: z.number(),
        note: z.string().optional(),
      })
      .transform(({ note, ...rest }) => (note === undefined ? rest : { ...rest, note })),
  ),
  macro: z.object({ ...metricShape, labels_counted: z.number(), labels_with_threshold: z.number() }),
  overall: z.record(z.string(), z.number().nullable()).optional(),
  groups: z.partialRecord(z.enum(['head', 'medium', 'tail']), groupSchema).optional(),
  intervals: intervalsSchema.optional(),
  calibration: calibrationSchema.optional(),
  operating_point: pointSchema.optional(),
})

export type StoredCalibration = z.infer<typeof calibrationSchema>

/** The metrics of one split, with what an evaluation may have added. */
export interface SplitMetrics extends Omit<MultilabelMetrics, 'overall' | 'odir' | 'groups'> {
  overall?: Record<string, number | null> | undefined
  groups?: Partial<Record<LabelGroup, GroupMetrics>> | undefined
  intervals?: MetricsIntervals | undefined
  calibration?: StoredCalibration | undefined
  operating_point?: OperatingPoint | undefined
}

export interface MetricsFile {
  test: SplitMetrics | null
  val: SplitMetrics | null
  /** Of an evaluation, whatever it was made of. */
  given: SplitMetrics | null
  /** Undefined in a file that does not say. */
  bestEpoch: number | null | undefined
}

const runSchema = z.object({
  best_epoch: z.number().nullish(),
  test: splitSchema.nullish(),
  val: splitSchema.nullish(),
})

/** @throws ZodError for what is neither */
export function parseMetrics(content: unknown): MetricsFile {
  if (typeof content === 'object' && content !== null && 'macro' in content) {
    return { test: null, val: null, given: splitSchema.parse(content), bestEpoch: undefined }
  }
  const { test, val, best_epoch: bestEpoch } = runSchema.parse(content)
  return { test: test ?? null, val: val ?? null, given: null, bestEpoch }
}
