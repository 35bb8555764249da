/** What a stage works with, on phantoms and a network of a few thousand weights. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manualSeed } from '@plurad/torch'
import { loadedFor } from '../src/data/augment/steps.js'
import { generatePhantoms } from '../src/data/phantom/index.js'
import { preprocessingOf } from '../src/data/preprocessing.js'
import { openDataset } from '../src/data/sets/open.js'
import { splitDataset } from '../src/data/split.js'
import { Classifier } from '../src/models/classifier.js'
import { labelStatistics } from '../src/models/statistics.js'
import { parseRecipe } from '../src/recipe/recipe.js'
import { recipeOfStage } from '../src/recipe/stages.js'
import { STAGE_FOLDERS, StageFolder } from '../src/run/stage-folder.js'
import type { TrainingJob, TrainingMessage } from '../src/training/job.js'
import { makeLoader } from '../src/training/resources.js'
import type { StageContext } from '../src/training/stages/stage.js'

const RECIPE = `name: stage
data: { size: 32, workers: 0, cache_mb: 16 }
model: { backbone: guita_cnn, head: linear }
training:
  epochs: 2
  batch_size: 4
  precision: float32
  threads: 1
  optimizer: { name: sgd, learning_rate: 0.05 }
`

export interface StageExample {
  /** A context for the recipe's first stage, in a folder of its own. */
  context: (changes?: readonly string[]) => StageContext
  notes: string[]
  close: () => Promise<void>
}

/** Call `close` at the end. */
export async function makeStageExample(count = 24): Promise<StageExample> {
  const root = mkdtempSync(join(tmpdir(), 'plurad-stage-'))
  await generatePhantoms(join(root, 'data'), { count, size: 32, seed: 1 })
  const dataset = await openDataset(join(root, 'data'))
  const assignment = splitDataset(dataset, { fractions: { train: 0.6, val: 0.3, test: 0.1 }, seed: 0 })
  const notes: string[] = []
  const loaders: StageContext['loader'][] = []
  let made = 0
  return {
    notes,
    context: (changes = []) => {
      const whole = parseRecipe(RECIPE, 'test', changes)
      const recipe = recipeOfStage(whole, 0)
      const { labels, samples } = dataset
      const statistics = labelStatistics(
        samples.filter((_, i) => assignment[i] === 'train').map((sample) => sample.labels),
        labels.length,
      )
      manualSeed(3)
      const { backbone, head } = recipe.model
      const model = new Classifier(
        { backbone, head, inChannels: 1, size: 32, labels, mean: [0.5], std: [0.25] },
        { statistics, vectors: null },
      )
      const loader = makeLoader(loadedFor(recipe.augmentation, preprocessingOf(recipe.data)), {
        workers: 0,
        cacheMegabytes: 16,
        strict: true,
        images: samples.length,
      })
      loaders.push(loader)
      const folder = new StageFolder(join(root, `stage-${made++}`))
      for (const name of STAGE_FOLDERS) mkdirSync(folder.file(name), { recursive: true })
      const job = {
        folder: root,
        recipe,
        labels,
        samples,
        assignment,
        dataset: { name: dataset.name, fingerprint: dataset.fingerprint },
        pack: null,
        strict: true,
        sources: {},
      } satisfies TrainingJob & { sources: object }
      return {
        job,
        model,
        loader,
        placement: { device: 'cpu', channelsLast: false },
        precision: { dtype: 'float32', channelsLast: false },
        folder,
        hooks: {
          stopped: false,
          post: (message: TrainingMessage) => {
            if (message.kind === 'note') notes.push(message.text)
          },
        },
        statistics,
        vectors: null,
      }
    },
    close: async () => {
      for (const loader of loaders) await loader.close()
      rmSync(root, { recursive: true, force: true })
    },
  }
}
