/** What a recipe may hold. Unknown keys are errors; everything has a default, so that a recipe is only what differs. */
import { z } from 'zod'
import { NO_DECAY } from '../models/no-decay.js'
import { partSchema } from '../models/part.js'
import { labelVectorSettings } from '../models/vectors/settings.js'
import { mixingSchema } from '../data/augment/mix.js'
import { augmentationSchema } from '../data/augment/steps.js'
import { ENSEMBLE_METHODS } from '../metrics/ensembles/index.js'
import { preprocessingShape } from '../data/preprocessing.js'
import { samplerSettings } from '../data/samplers/registry.js'

/** More than any one machine has processors. */
const MAX_THREADS = 512

const data = z.strictObject({
  ...preprocessingShape,
  /** Subtracted from pixels in [0, 1]; one value, or one a channel; null for that of known weights, else 0.5. */
  mean: z
    .union([z.number(), z.array(z.number()).nonempty()])
    .nullable()
    .default(null),
  /** What the difference is divided by; null for that of known weights, else 0.25. */
  std: z
    .union([z.number().positive(), z.array(z.number().positive()).nonempty()])
    .nullable()
    .default(null),
  /** Labels to learn, in this order; null for all of the data set. */
  labels: z.array(z.string().min(1)).nonempty().nullable().default(null),
  /** How the data set is read: the adapter's name and its settings, which it checks itself; null to tell by itself. */
  set: z.looseObject({ adapter: z.string().optional() }).nullable().default(null),
  split: z
    .strictObject({
      train: z.number().min(0).max(1).default(0.7),
      val: z.number().min(0).max(1).default(0.1),
      test: z.number().min(0).max(1).default(0.2),
      seed: z.int().min(0).default(0),
      /** A split.csv, a file of folds, or a folder of lists, used instead of fractions and the data set's own split. */
      file: z.string().min(1).nullable().default(null),
      /** Of a file of folds: the fold of this run, from 1 on. */
      fold: z.int().min(1).nullable().default(null),
    })
    .refine(({ file, fold }) => fold === null || file !== null, {
      path: ['fold'],
      error: 'a fold is one of a file: data.split.file is missing',
    })
    .prefault({}),
  /**
   * Training images that keep their labels, whole patients chosen by split.seed; the labels of all others count as unknown.
   * null for all.
   */
  labelled: z.int().min(1).nullable().default(null),
  /** Decoding threads beside the training step; null for a choice by the machine. */
  workers: z.int().min(0).max(256).nullable().default(null),
  /** Memory for decoded images, megabytes; null for a quarter of what is free. */
  cache_mb: z.number().min(0).nullable().default(null),
  /** A folder that `plurad data pack` made: images are read from there instead of being decoded. */
  pack: z.string().min(1).nullable().default(null),
})

const model = z.strictObject({
  /** A name, or an object with a name and options. */
  backbone: partSchema.prefault('densenet121'),
  head: partSchema.prefault('linear'),
  /** What to start from: a file, an address, hf:owner/name[/file], or a name of `plurad models`. */
  weights: z.string().nullable().default(null),
  /** What does not learn: the whole backbone, or its stem and so many stages. */
  freeze: z.union([z.enum(['none', 'backbone']), z.int().min(1)]).default('none'),
  /** Vectors of the labels, for heads that use them; null for co-occurrence where the head does. */
  label_vectors: labelVectorSettings.nullable().default(null),
})

/** Options beside the name are the loss's own, see `plurad recipes`. */
const loss = z.looseObject({ name: z.string().default('bce') })

const optimizer = z.strictObject({
  /** pesg is for auc_margin with mode min_max. */
  name: z.enum(['adam', 'adamw', 'sgd', 'pesg']).default('adam'),
  learning_rate: z.number().positive().default(1e-4),
  weight_decay: z.number().min(0).default(0),
  /** Factor on the learning rate for every step from the head towards the pixels; null for the same everywhere. */
  layer_decay: z.number().positive().max(1).nullable().default(null),
  /** Parameters that weight decay spares. */
  no_decay: z.array(z.enum(NO_DECAY)).default([]),
  /** Of SGD and PESG. */
  momentum: z.number().min(0).lt(1).default(0.9),
  /** Of PESG: pull to the mean of the weights before the learning rate was last lowered; 0 for none. */
  proximal: z.number().min(0).default(2e-3),
})

const schedule = z.strictObject({
  /** plateau: lower the rate when the monitored value stalls; cosine: half a cosine over all epochs. */
  name: z.enum(['plateau', 'cosine', 'constant']).default('plateau'),
  /** Plateau: factor on the rate. */
  factor: z.number().positive().lt(1).default(0.1),
  /** Plateau: epochs without progress that are waited for. */
  patience: z.int().min(0).default(2),
  /** Epochs over which the rate rises from nothing. */
  warmup_epochs: z.number().min(0).default(0),
})

const sam = z.strictObject({
  /** How far uphill, over all weights together; ASAM's authors take 0.5. */
  rho: z.number().positive().default(0.05),
  /** ASAM: each weight's share by its size. */
  adaptive: z.boolean().default(false),
})

const ema = z.strictObject({
  /** Share of the old average in each update. */
  decay: z.number().min(0).lt(1).default(0.999),
  /** Smaller decays at first, (1 + n) / (10 + n), so that the first weights are soon forgotten. */
  warmup: z.boolean().default(true),
})

const deferredReweighting = z.strictObject({
  /** The first epoch, from 1, in which rare labels count more. */
  from_epoch: z.int().min(2),
  /** Of the effective number of samples: the nearer to 1, the more. */
  beta: z.number().min(0).lt(1).default(0.9999),
})

const training = z.strictObject({
  epochs: z.int().min(1).default(20),
  batch_size: z.int().min(1).default(16),
  /** Which images make an epoch: shuffled, sequential, class-aware, square-root or weighted, a name or with settings. */
  sampler: samplerSettings.prefault({ name: 'shuffled' }),
  /** Batches whose gradients are added up before an update. */
  accumulate: z.int().min(1).default(1),
  optimizer: optimizer.prefault({}),
  schedule: schedule.prefault({}),
  /** Stop after this many epochs without a better value of `monitor`; null never. */
  early_stopping: z.int().min(1).nullable().default(5),
  /** What the best checkpoint, the plateau and early stopping look at, on the validation split. */
  monitor: z.enum(['macro_auc', 'macro_average_precision', 'loss']).default('macro_auc'),
  /** auto: bfloat16 where the processor computes with it, else float32. */
  precision: z.enum(['auto', 'float32', 'bfloat16', 'float16']).default('auto'),
  /** Sharpness-aware minimisation: two passes a step, the second at the worst weights nearby; null for none. */
  sam: sam.nullable().default(null),
  /** A moving average of the weights, which is what is validated and kept; null for none. */
  ema: ema.nullable().default(null),
  /** Weights for rare labels from an epoch on, whatever the loss: with ldam it is LDAM-DRW; null for none. */
  deferred_reweighting: deferredReweighting.nullable().default(null),
  /** Targets y (1 - eps) + eps / 2, in training alone. */
  label_smoothing: z.number().min(0).lt(1).default(0),
  /** Largest L2 norm of all gradients together; null for no limit. */
  clip_norm: z.number().positive().nullable().default(null),
  seed: z.int().min(0).default(0),
  /** cpu, cuda or cuda:N; auto takes CUDA where the engine has it. */
  device: z
    .string()
    .regex(/^(auto|cpu|cuda(:\d+)?)$/, 'expected auto, cpu, cuda or cuda:N')
    .default('auto'),
  /** Threads of an operation; null for all processors. Thousands of them would bring the machine to a stop. */
  threads: z.int().min(1).max(MAX_THREADS).nullable().default(null),
  /** Seconds between checkpoints, at least; there is always one at the end and on Ctrl-C. */
  checkpoint_seconds: z.number().min(0).default(60),
})

const evaluation = z.strictObject({
  /** max_f1: per label, tuned on the validation split; a number: the same for all. */
  threshold: z.union([z.literal('max_f1'), z.number().min(0).max(1)]).default('max_f1'),
  batch_size: z.int().min(1).default(32),
  /**
   * How scores become probabilities, fitted on the validation split. None by default: a rare label has too few positives there,
   * and scores of `bce` are about right as they are; those of losses such as `asl` and `two-way` are not.
   */
  calibration: z.enum(['none', 'temperature', 'platt', 'isotonic']).default('none'),
  /** Samples of the patients for the intervals of the test split's figures; 0 for no intervals. */
  bootstrap: z.int().min(0).max(100_000).default(1000),
})

interface StageShape {
  /** Of `training/stages/registry.ts`. */
  name: string
  /** What the stage changes of the recipe, merged key by key. */
  recipe?: Record<string, unknown> | undefined
  /** Checked by the stage itself. */
  [option: string]: unknown
}

const stage = z.union([
  z.string().transform((name): StageShape => ({ name })),
  z.looseObject({ name: z.string(), recipe: z.looseObject({}).optional() }),
])

const member = z.strictObject({
  /** What its folder is called. */
  name: z.string().regex(/^[\w.-]+$/, 'expected letters, digits, dots, hyphens and underscores'),
  /** What it changes of the recipe, merged key by key. */
  recipe: z.looseObject({}).default({}),
})

const ensemble = z.strictObject({
  /** How probabilities are put together: see `plurad ensemble --method`. */
  method: z.enum(ENSEMBLE_METHODS).default('mean'),
  members: z.array(member).min(2),
})

export const recipeSchema = z
  .strictObject({
    name: z.string().min(1),
    /** What is published: authors, title, year, identifier. */
    paper: z.string().nullable().default(null),
    description: z.string().nullable().default(null),
    /** The published figure with its data and split, for comparison. */
    published: z.string().nullable().default(null),
    /** Of the weights that come of it, such as CC-BY-4.0: model files and model cards carry it; null for none stated. */
    licence: z.string().min(1).nullable().default(null),
    data: data.prefault({}),
    model: model.prefault({}),
    loss: loss.prefault({}),
    /** Random changes of training images, in this order: a list of operations, or the name of a preset. */
    augmentation: augmentationSchema.prefault([]),
    /** Images of a batch mixed with each other, and their labels; null for none. */
    mixing: mixingSchema.nullable().default(null),
    training: training.prefault({}),
    /** What is done with the one model, one after the other. */
    stages: z.array(stage).min(1).prefault(['supervised']),
    evaluation: evaluation.prefault({}),
    /** Several models, each trained by this recipe with changes of its own; null for one. */
    ensemble: ensemble.nullable().default(null),
  })
  .superRefine(({ data: { size, resize_to: resizeTo }, augmentation }, context) => {
    const issue = (path: string[], message: string): void =>
      context.addIssue({ code: 'custom', path, message, input: undefined })
    if (resizeTo !== null && resizeTo < size) {
      issue(['data', 'resize_to'], `expected at least data.size, which is ${size}, found ${resizeTo}`)
    }
    const cuts = augmentation.some(({ name }) => name === 'random_crop')
    if (cuts && (resizeTo === null || resizeTo === size)) {
      issue(
        ['augmentation'],
        `random_crop cuts data.size (${size}) out of a larger data.resize_to, which is not set: ` +
          `set it, such as to ${Math.round(size / 0.875)}`,
      )
    }
  })

/** A recipe with the defaults of the schema. */
export type ParsedRecipe = z.infer<typeof recipeSchema>

/** A recipe with every default filled in: what a run folder's `recipe.yaml` holds. */
export type Recipe = ParsedRecipe & { data: { mean: number | number[]; std: number | number[] } }
