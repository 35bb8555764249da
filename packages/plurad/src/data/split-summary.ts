import type { Dataset } from './dataset.js'

/** What one part of a split holds. */
export interface PartCount {
  images: number
  /** A row without a patient counts as one of its own. */
  patients: number
  /** [C] images with each label present. */
  positives: number[]
  /** [C] patients with an image that has the label. */
  patientsWith: number[]
}

/** Counts each part of a split and the whole, in one pass. */
export function countParts<Part extends string>(
  { labels, samples }: Pick<Dataset, 'labels' | 'samples'>,
  partOf: readonly Part[],
  parts: readonly Part[],
): { parts: Record<Part, PartCount>; whole: PartCount } {
  const whole = counter(labels.length)
  const counters = new Map(parts.map((part) => [part, counter(labels.length)]))
  samples.forEach(({ patient, labels: values }, row) => {
    const who = patient ?? row
    whole.add(who, values)
    counters.get(partOf[row])?.add(who, values)
  })
  const entries = [...counters].map(([part, { count }]) => [part, count()] as const)
  return { parts: Object.fromEntries(entries) as Record<Part, PartCount>, whole: whole.count() }
}

function counter(labelCount: number) {
  let images = 0
  const patients = new Set<string | number>()
  const positives = new Array<number>(labelCount).fill(0)
  const having = positives.map(() => new Set<string | number>())
  return {
    add(who: string | number, values: readonly unknown[]): void {
      images++
      patients.add(who)
      for (let label = 0; label < labelCount; label++) {
        if (values[label] !== 1) continue
        positives[label]++
        having[label].add(who)
      }
    },
    count: (): PartCount => ({
      images,
      patients: patients.size,
      positives,
      patientsWith: having.map((set) => set.size),
    }),
  }
}

/**
 * How far labels are from their part's share of the images: the mean over labels that occur, and over parts, of
 * |positives in the part / all positives - images in the part / all images|. 0 is a perfect stratification.
 */
export function meanShareDeviation(parts: readonly PartCount[], whole: PartCount): number {
  let sum = 0
  let terms = 0
  whole.positives.forEach((all, label) => {
    if (all === 0) return
    for (const { images, positives } of parts) {
      sum += Math.abs(positives[label] / all - images / whole.images)
      terms++
    }
  })
  return terms === 0 ? 0 : sum / terms
}
