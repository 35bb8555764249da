import { bootstrap, differenceOf, type Distribution } from './intervals/bootstrap.js'
import { intervalOf, type Interval } from './intervals/interval.js'
import type { BootstrapChoice } from './judge.js'
import type { Predictions } from './predictions.js'

/** Figures that need no threshold, means over labels. */
type RobustnessMetric = 'auc' | 'average_precision'

interface RobustnessFigure {
  value: number | null
  interval: Interval | null
}

/** A figure on changed images, and its difference from the one on the images as they are. */
export interface ChangedFigure extends RobustnessFigure {
  difference: number | null
  /** Paired: both from the same samples of the patients. */
  difference_interval: Interval | null
}

/** What `robustness.json` holds: how the figures of a split change as its images get worse. */
export interface Robustness {
  images: number
  interval: BootstrapChoice
  /** On the images as they are: severity 0. */
  plain: Record<RobustnessMetric, RobustnessFigure>
  corruptions: {
    name: string
    /** What the amounts are. */
    amount: string
    curve: ({ severity: number; amount: number } & Record<RobustnessMetric, ChangedFigure>)[]
  }[]
}

export interface CorruptedScores {
  name: string
  amount: string
  /** Severities from 1 on. */
  levels: readonly { amount: number; scores: Float64Array }[]
}

/**
 * Mean AUC and average precision over labels on images as they are and on corrupted ones, all on the same samples of the
 * patients.
 *
 * Hendrycks and Dietterich, Benchmarking neural network robustness, ICLR (2019), with milder corruptions.
 *
 * @throws DataError as `evaluateMultilabel` does
 */
export function measureRobustness(
  predictions: Predictions,
  corrupted: readonly CorruptedScores[],
  choice: BootstrapChoice,
  onProgress?: (done: number, of: number) => void,
): Robustness {
  const sets = 1 + corrupted.reduce((sum, { levels }) => sum + levels.length, 0)
  let set = 0
  const drawn = (scores: Float64Array): Distribution => {
    const before = set++ * choice.repetitions
    return bootstrap(
      { ...predictions, scores },
      {
        repetitions: choice.repetitions,
        seed: choice.seed,
        jackknife: choice.method === 'bca',
        onProgress: (done) => onProgress?.(before + done, sets * choice.repetitions),
      },
    )
  }
  const figure = (distribution: Distribution, metric: RobustnessMetric): RobustnessFigure => {
    const index = distribution.figures.findIndex((one) => one.of === 'macro' && one.metric === metric)
    const value = distribution.estimate[index]
    return {
      value: Number.isNaN(value) ? null : value,
      interval: intervalOf(distribution, index, choice.method, choice.level),
    }
  }
  const plain = drawn(predictions.scores)
  const changed = (distribution: Distribution, metric: RobustnessMetric): ChangedFigure => {
    const { value: difference, interval } = figure(differenceOf(distribution, plain), metric)
    return { ...figure(distribution, metric), difference, difference_interval: interval }
  }
  return {
    images: predictions.images.length,
    interval: choice,
    plain: { auc: figure(plain, 'auc'), average_precision: figure(plain, 'average_precision') },
    corruptions: corrupted.map(({ name, amount, levels }) => ({
      name,
      amount,
      curve: levels.map((level, i) => {
        const distribution = drawn(level.scores)
        return {
          severity: i + 1,
          amount: level.amount,
          auc: changed(distribution, 'auc'),
          average_precision: changed(distribution, 'average_precision'),
        }
      }),
    })),
  }
}
