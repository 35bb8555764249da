/** LDRNet's M-step: the classifier alone learns, by BCE, from virtual features. Nothing else of the model is touched. */
import { noGrad, optim, scope, fromTypedArray, type Tensor } from '@plurad/torch'
import { hashOf, Random } from '../../../data/random.js'
import { TrainingError } from '../../../errors.js'
import type { Loss } from '../../../losses/define.js'
import type { ClassifierRows } from '../../../models/head.js'
import { classify } from './class-features.js'
import type { LabelSampler } from './reverse-sampling.js'
import type { LabelGaussians } from './virtual-features.js'

export interface FitSettings {
  steps: number
  /** Virtual images a step. */
  batch: number
  learningRate: number
  weightDecay: number
  /** Decay beside the gradient, as AdamW has it, instead of within. */
  decoupled: boolean
  /** Added to the logits, [C]; null for nothing. */
  offsets: Float32Array<ArrayBuffer> | null
}

export interface FitOutcome {
  /** Mean loss of the first and the last tenth of the steps. */
  lossAtStart: number
  lossAtEnd: number
  /** How often each label was present, [C]; null where it could not be drawn. */
  rates: (number | null)[]
}

/** Keep the draws of labels and of features apart. */
const [LABELS, FEATURES] = [0x6c6162, 0x666561]

/** Steps between two looks at whether to stop. */
const BREATH = 10

/**
 * Adam over the rows. Every step's random numbers are named by `seed` and its place, so that nothing has to be stored: asked
 * to stop, it puts the rows back and gives null, and made again it does the same.
 *
 * Rows of labels that cannot be drawn stay as they are.
 */
export async function fitClassifier(
  rows: ClassifierRows,
  gaussians: LabelGaussians,
  sampler: LabelSampler,
  bce: Loss,
  settings: FitSettings,
  seed: number,
  stopped: () => boolean,
): Promise<FitOutcome | null> {
  const { steps, batch, learningRate: lr, weightDecay, decoupled, offsets } = settings
  const parameters = rows.bias === null ? [rows.weight] : [rows.weight, rows.bias]
  const before = noGrad(() => parameters.map((parameter) => parameter.detach().clone()))
  const optimizer = new (decoupled ? optim.AdamW : optim.Adam)(parameters, { lr, weightDecay })
  const labels = sampler.rates.length
  const present = new Array<number>(labels).fill(0)
  const losses: number[] = []
  const putBack = (which: readonly number[]): void =>
    noGrad(() =>
      scope(() => {
        parameters.forEach((parameter, i) => {
          for (const label of which) parameter.select(0, label).copy_(before[i].select(0, label))
        })
      }),
    )
  const all = present.map((_, label) => label)
  for (let step = 0; step < steps; step++) {
    const targets = sampler.draw(batch, new Random(LABELS, seed, step))
    const loss = scope((): Tensor => {
      const features = gaussians.draw(targets, hashOf(FEATURES, seed, step))
      const y = fromTypedArray(targets, [batch, labels], { device: features.device })
      const logits = classify(rows, features)
      if (offsets === null) return bce(logits, y)
      return bce(logits.add(fromTypedArray(offsets, [labels], { device: features.device })), y)
    })
    const value = loss.item()
    if (!Number.isFinite(value)) {
      throw new TrainingError(
        `The loss became ${value} in step ${step + 1} of the classifier: choose a smaller m_learning_rate of the stage ldrnet.`,
      )
    }
    loss.backward()
    loss.dispose()
    optimizer.step()
    optimizer.zeroGrad()
    losses.push(value)
    targets.forEach((target, i) => (present[i % labels] += target))
    if (step % BREATH === 0) {
      await new Promise(setImmediate)
      if (stopped()) {
        putBack(all)
        return null
      }
    }
  }
  // Weight decay alone moves what has no gradient.
  putBack(all.filter((label) => !gaussians.drawable[label]))
  const tenth = Math.max(1, Math.floor(steps / 10))
  return {
    lossAtStart: mean(losses.slice(0, tenth)),
    lossAtEnd: mean(losses.slice(-tenth)),
    rates: present.map((count) => (Number.isNaN(count) ? null : count / (steps * batch))),
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length
}
