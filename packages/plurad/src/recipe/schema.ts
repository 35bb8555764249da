/** What a recipe may hold. Unknown keys are errors; everything has a default, so that a recipe is only what differs. */
import { z } from 'zod'
import { preprocessingShape } from '../data/preprocessing.js'

/** More than any one machine has processors. */
const MAX_THREADS = 512

const data = z.strictObject({
  ...preprocessingShape,
  /** Subtracted from pixels in [0, 1]; one value, or one a channel. */
  mean: z.union([z.number(), z.array(z.number()).nonempty()]).default(0.5),
  /** What the difference is divided by. */
  std: z.union([z.number().positive(), z.array(z.number().positive()).nonempty()]).default(0.25),
  /** Labels to learn, in this order; null for all of the data set. */
  labels: z.array(z.string().min(1)).nonempty().nullable().default(null),
  split: z
    .strictObject({
      train: z.number().min(0).max(1).default(0.7),
      val: z.number().min(0).max(1).default(0.1),
      test: z.number().min(0).max(1).default(0.2),
      seed: z.int().min(0).default(0),
    })
    .prefault({}),
  /** Decoding threads beside the training step; null for a choice by the machine. */
  workers: z.int().min(0).max(256).nullable().default(null),
  /** Memory for decoded images, megabytes; null for a quarter of what is free. */
  cache_mb: z.number().min(0).nullable().default(null),
})

const model = z.strictObject({
  backbone: z.string().default('densenet121'),
  head: z.string().default('linear'),
  /** A safetensors file to start from; keys that do not fit are reported. */
  weights: z.string().nullable().default(null),
})

const loss = z.strictObject({ name: z.string().default('bce') })

const optimizer = z.strictObject({
  name: z.enum(['adam', 'adamw', 'sgd']).default('adam'),
  learning_rate: z.number().positive().default(1e-4),
  weight_decay: z.number().min(0).default(0),
  /** Of SGD only. */
  momentum: z.number().min(0).lt(1).default(0.9),
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

const training = z.strictObject({
  epochs: z.int().min(1).default(20),
  batch_size: z.int().min(1).default(16),
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
  /** Largest L2 norm of all gradients together; null for no limit. */
  clip_norm: z.number().positive().nullable().default(null),
  /** Random left-right mirroring. Off by default: it turns a heart's side round. */
  horizontal_flip: z.boolean().default(false),
  /** Random shift of up to this many pixels in each direction, edges filled with the nearest pixel. */
  random_shift: z.int().min(0).default(0),
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
})

export const recipeSchema = z.strictObject({
  name: z.string().min(1),
  /** What is published: authors, title, year, identifier. */
  paper: z.string().nullable().default(null),
  description: z.string().nullable().default(null),
  /** The published figure with its data and split, for comparison. */
  published: z.string().nullable().default(null),
  data: data.prefault({}),
  model: model.prefault({}),
  loss: loss.prefault({}),
  training: training.prefault({}),
  evaluation: evaluation.prefault({}),
})

/** A recipe with every default filled in: what a run folder's `recipe.yaml` holds. */
export type Recipe = z.infer<typeof recipeSchema>
