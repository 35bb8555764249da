/** tau-normalisation: the rows of a trained classifier are brought closer to one length, without training. */
import { nn, tensor, zeros } from '@plurad/torch'
import { z } from 'zod'
import { RecipeError } from '../../errors.js'
import { writeFileAtomic } from '../../files.js'
import { makeLoss } from '../../losses/registry.js'
import { evaluateMultilabel } from '../../metrics/index.js'
import type { Predictions } from '../../metrics/predictions.js'
import { rowNorms, rowsOf, scaleRows } from '../../models/classifier-rows.js'
import type { ClassifierRows } from '../../models/head.js'
import type { HistoryRow } from '../history.js'
import { predictSamples, unreadableOf, warningsOf } from '../predictor.js'
import { describeNorms } from './row-norms.js'
import { defineStage, type ImageNote, type Stage, type StageContext } from './stage.js'

const CRITERIA = ['label_ranking_average_precision', 'loss'] as const
type Criterion = (typeof CRITERIA)[number]

const options = z.strictObject({
  /** What is tried, in [0, 1]: 0 leaves the rows as they are, 1 makes them equally long. */
  taus: z
    .array(z.number().min(0).max(1))
    .nonempty()
    .default([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
  /** The published method drops the bias. */
  bias: z.enum(['drop', 'keep']).default('drop'),
  /** What the best tau is found by, on the validation split; null for training.monitor where that can tell. */
  choose_by: z.enum(CRITERIA).nullable().default(null),
})

interface Tried {
  tau: number
  value: number | null
}

class TauNormalisation implements Stage {
  readonly epochs = 0
  readonly bestEpoch = null
  readonly resumesAt = null
  readonly history: readonly HistoryRow[] = []
  readonly #context: StageContext
  readonly #options: z.infer<typeof options>
  readonly #rows: ClassifierRows

  constructor(context: StageContext, chosen: z.infer<typeof options>) {
    this.#context = context
    this.#options = chosen
    this.#rows = rowsOf(context.model, 'The stage tau_norm', 'matter')
  }

  async run(): Promise<boolean> {
    const { folder, hooks, job } = this.#context
    const { bias } = this.#rows
    if (bias && this.#options.bias === 'drop') nn.init.constant_(bias, 0)
    const norms = rowNorms(this.#rows)
    const unlike = norms.findIndex((norm) => !(norm > 0))
    if (unlike >= 0)
      throw new RecipeError(`The stage tau_norm: the row of ${job.labels[unlike]} has no length.`)
    const validated = await this.#validate()
    if (validated === null) return false
    const { criterion, tried } = this.#try(validated, norms)
    const best = tried.reduce((a, b) => (better(b.value, a.value, criterion) ? b : a))
    scaleRows(this.#rows, factors(norms, best.tau), NO_BIASES)
    const after = rowNorms(this.#rows)
    const written = {
      chosen: best.tau,
      criterion,
      tried,
      labels: job.labels,
      norms: { before: norms, after },
    }
    await writeFileAtomic(folder.file('tau-norm.json'), `${JSON.stringify(written, null, 2)}\n`)
    const each = tried.map(({ tau, value }) => `${tau}: ${value?.toFixed(4) ?? 'unknown'}`).join(', ')
    hooks.post({
      kind: 'note',
      text: `Tau         ${best.tau}, by ${criterion} on the validation split (${each})`,
    })
    hooks.post({ kind: 'note', text: describeNorms(norms, after) })
    return true
  }

  /** Every tau on the validation split: x_c = w_c f + b_c becomes w_c f / ||w_c||^tau + b_c. */
  #try(
    { logits, predictions }: Validated,
    norms: readonly number[],
  ): { criterion: Criterion; tried: Tried[] } {
    const { job } = this.#context
    const { monitor } = job.recipe.training
    const criterion = this.#options.choose_by ?? (monitor === 'loss' ? 'loss' : CRITERIA[0])
    const biases = this.#rows.bias?.toFlatArray() ?? norms.map(() => 0)
    const labels = norms.length
    const tried = this.#options.taus.map((tau) => {
      const scaled = logits.map((x, at) => {
        const c = at % labels
        return (x - biases[c]) * norms[c] ** -tau + biases[c]
      })
      return {
        tau,
        value: criterion === 'loss' ? this.#lossOf(scaled, predictions) : rankingOf(scaled, predictions),
      }
    })
    return { criterion, tried }
  }

  #lossOf(logits: Float64Array, { truth, labels }: Predictions): number {
    const { job, statistics } = this.#context
    const matrix = (values: Float64Array) =>
      tensor([...values], { dtype: 'float64' }).reshape(-1, labels.length)
    return makeLoss(job.recipe.loss, { labels, statistics })(matrix(logits), matrix(truth)).item()
  }

  /** Logits of the validation split, [N * C]; null where it was stopped. */
  async #validate(): Promise<Validated | null> {
    const { job, model, loader, placement, hooks } = this.#context
    const { data, evaluation } = job.recipe
    const parts: number[][] = []
    const { predictions, complete } = await predictSamples(
      model,
      loader,
      job.samples.filter((_, i) => job.assignment[i] === 'val'),
      {
        size: data.size,
        batchSize: evaluation.batch_size,
        placement,
        // Where the logits are seen: probabilities round those of a sure model away.
        loss: (logits) => {
          parts.push(logits.toFlatArray())
          return zeros([])
        },
        onBatch: (done, total) => hooks.post({ kind: 'evaluating', split: 'val', done, total }),
        stopped: () => hooks.stopped,
      },
    )
    return complete ? { logits: Float64Array.from(parts.flat()), predictions } : null
  }

  unreadable(): ImageNote[] {
    return unreadableOf(this.#context.job.samples, this.#context.loader)
  }
  warnings(): ImageNote[] {
    return warningsOf(this.#context.job.samples, this.#context.loader)
  }
}

interface Validated {
  logits: Float64Array
  predictions: Predictions
}

const NO_BIASES = { biases: false }

const factors = (norms: readonly number[], tau: number) => tensor(norms.map((norm) => norm ** -tau))

/** How well the labels of each image are ranked. */
function rankingOf(scores: Float64Array, predictions: Predictions): number | null {
  return evaluateMultilabel({ ...predictions, scores }).overall.label_ranking_average_precision
}

function better(value: number | null, than: number | null, criterion: Criterion): boolean {
  if (value === null || than === null) return value !== null
  return criterion === 'loss' ? value < than : value > than
}

/**
 * w_c becomes w_c / ||w_c||^tau: frequent labels have long rows, which this undoes by degrees. Macro AUC and macro average
 * precision rank the images of one label, which a factor on its logits leaves as they are: with these as training.monitor tau
 * is chosen by the label-ranking average precision, which compares the labels of one image. Without its biases a sigmoid
 * no longer gives probabilities: calibrate, or let thresholds be tuned (evaluation.threshold: max_f1).
 */
export const tauNorm = defineStage({
  paper:
    'Kang et al., Decoupling Representation and Classifier for Long-Tailed Recognition, ICLR 2020, arXiv:1910.09217 ' +
    '(tau-normalized)',
  options,
  check: (_job, _options, model) => void rowsOf(model, 'The stage tau_norm', 'matter'),
  make: (context, chosen) => new TauNormalisation(context, chosen),
})
