/** Two networks on the same images: how far their probabilities and their AUC are apart, and their times. */
import type { LabelValue } from '../../data/dataset.js'
import { ExportError } from '../../errors.js'
import { evaluateMultilabel } from '../../metrics/index.js'
import type { NamedTensor, Session } from '../../predict/runtime.js'

/** Rounds of one image through both. */
const TIMED = 9

export interface Judged {
  /** Images that were compared. */
  images: number
  /** Macro AUC of the network in single precision, and of the other. */
  auc_float32: number
  auc: number
  /** Of a probability. */
  largest_difference: number
  mean_difference: number
}

export interface Timed {
  /** One image, median. */
  milliseconds_float32: number
  milliseconds: number
}

export class Comparison {
  readonly #full: Session
  readonly #reduced: Session
  readonly #scores: [number[], number[]] = [[], []]
  readonly #truth: number[] = []
  #largest = 0
  #sum = 0
  #last: Record<string, NamedTensor> | null = null
  count = 0

  constructor(full: Session, reduced: Session) {
    this.#full = full
    this.#reduced = reduced
  }

  get meanDifference(): number {
    return this.#sum / Math.max(1, this.#scores[0].length)
  }

  /** @param truth of each image; none where nothing is judged */
  async add(feeds: Record<string, NamedTensor>, truth: readonly (readonly LabelValue[])[]): Promise<void> {
    const [a, b] = [
      await this.#full.run(feeds, ['probabilities']),
      await this.#reduced.run(feeds, ['probabilities']),
    ]
    a['probabilities'].data.forEach((value, i) => {
      const other = b['probabilities'].data[i]
      const difference = Math.abs(value - other)
      // What is no number would otherwise pass for a small difference.
      if (Number.isNaN(difference))
        throw new ExportError('The network gives probabilities that are no numbers.')
      this.#largest = Math.max(this.#largest, difference)
      this.#sum += difference
      this.#scores[0].push(value)
      this.#scores[1].push(other)
    })
    this.#truth.push(...truth.flat().map((value) => value ?? NaN))
    this.count += feeds['pixels'].dims[0]
    this.#last = feeds
  }

  /** @throws ExportError where no label has images with and without it */
  judge(labels: readonly string[]): Judged {
    const aucOf = (scores: readonly number[]): number => {
      const rows = Array.from({ length: this.count }, (_, row) => String(row))
      const { macro } = evaluateMultilabel({
        labels,
        images: rows,
        patients: rows,
        scores: Float64Array.from(scores),
        truth: Float64Array.from(this.#truth),
      })
      if (macro.auc !== null) return macro.auc
      throw new ExportError(
        `What a smaller precision costs cannot be measured: of ${this.count} validation images none shows a label that ` +
          'another one lacks. Export float32.',
      )
    }
    return {
      images: this.count,
      auc_float32: aucOf(this.#scores[0]),
      auc: aucOf(this.#scores[1]),
      largest_difference: this.#largest,
      mean_difference: this.meanDifference,
    }
  }

  /** One image through each in turn, so that a machine that is busy slows both. */
  async time(): Promise<Timed> {
    const feeds = Object.fromEntries(
      Object.entries(this.#last ?? {}).map(([name, { data, dims }]) => {
        const [count, ...rest] = dims
        return [name, { data: data.slice(0, data.length / count), dims: [1, ...rest] }]
      }),
    )
    const times: [number[], number[]] = [[], []]
    for (let round = 0; round <= TIMED; round++) {
      for (const [i, session] of [this.#full, this.#reduced].entries()) {
        const from = performance.now()
        await session.run(feeds, ['probabilities'])
        // The first is slower.
        if (round > 0) times[i].push(performance.now() - from)
      }
    }
    const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
    return { milliseconds_float32: median(times[0]), milliseconds: median(times[1]) }
  }
}
