/** The stages of a run, one after the other, each once: what is finished is not done again by a resumed run. */
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { loadSafetensors, manualSeed, scope } from '@plurad/torch'
import { z } from 'zod'
import { RunError } from '../../errors.js'
import { writeFileAtomic } from '../../files.js'
import { freezeStages, thaw } from '../../models/parameter-groups.js'
import { isPlain, recipeOfStage } from '../../recipe/stages.js'
import type { RunFolder } from '../../run/folder.js'
import type { Recipe } from '../../recipe/schema.js'
import { saveTensors } from '../checkpoint.js'
import { formatHistory, type HistoryRow } from '../history.js'
import type { TrainingMessage } from '../job.js'
import { choosePrecision, type Precision } from '../precision.js'
import { checkStageJob, makeStage } from './registry.js'
import type { ImageNote, Stage, StageContext } from './stage.js'

const imageNotes = z.array(z.object({ image: z.string(), reason: z.string() }))

/** What is known of a stage once it is finished. */
const finishedStages = z.array(
  z.object({
    name: z.string(),
    epochs: z.int(),
    best_epoch: z.int().nullable(),
    history: z.array(z.looseObject({ epoch: z.int() })),
    unreadable: imageNotes,
    warnings: imageNotes,
  }),
)

type Finished = z.infer<typeof finishedStages>[number]

export interface StagesOutcome {
  finished: boolean
  /** Finished epochs of all stages together. */
  epochs: number
  /** Of the last stage that has one. */
  bestEpoch: number | null
  unreadable: ImageNote[]
  warnings: ImageNote[]
}

export interface StagesWork extends Omit<StageContext, 'folder' | 'loader' | 'hooks'> {
  folder: RunFolder
  hooks: { post(message: TrainingMessage): void; readonly stopped: boolean }
  /** The loader for a stage's recipe. */
  loaderFor: (recipe: StageContext['job']['recipe']) => StageContext['loader']
  /** Told the epoch that the run goes on with, or null where it begins, before the first step. */
  onStart: (resumesAt: number | null) => void
}

export async function runStages({
  loaderFor,
  onStart,
  folder,
  ...common
}: StagesWork): Promise<StagesOutcome> {
  const { job, model, hooks } = common
  const { recipe } = job
  const plain = isPlain(recipe)
  const done = plain ? [] : readFinished(folder.stages)
  recipe.stages.forEach((settings, index) => {
    if (index >= done.length) checkStageJob(settings, { ...job, recipe: recipeOfStage(recipe, index) }, model)
  })
  let started = false
  let stage: Stage | null = null
  const outcome = (finished: boolean): StagesOutcome => outcomeOf(done, finished ? null : stage, finished)
  for (const [index, settings] of recipe.stages.entries()) {
    if (index < done.length) continue
    const stageFolder = plain ? folder : folder.stage(index, settings.name)
    if (index > 0) loadFinal(folder, index - 1, recipe.stages[index - 1].name, model)
    // A stage begins with the same random numbers, whatever came before it.
    if (index > 0) manualSeed(recipe.training.seed + index)
    const own = recipeOfStage(recipe, index)
    thaw(model)
    freezeStages(model, own.model.freeze)
    stage = makeStage(settings, {
      ...common,
      precision: { ...common.precision, dtype: dtypeOf(own, common.placement.device) },
      job: { ...job, recipe: own },
      loader: loaderFor(own),
      folder: stageFolder,
    })
    if (!started) onStart(done.length > 0 ? (stage.resumesAt ?? 1) : stage.resumesAt)
    started = true
    if (!plain)
      hooks.post({ kind: 'stage', index: index + 1, count: recipe.stages.length, name: settings.name })
    const ended = await stage.run()
    if (plain) return outcomeOf([], stage, ended)
    const name = basename(stageFolder.root)
    if (ended) {
      saveTensors(stageFolder.finalWeights, model.stateDict(), {})
      done.push(summaryOf(name, stage))
      await writeFileAtomic(folder.stages, `${JSON.stringify(done, null, 2)}\n`)
    }
    await writeFileAtomic(folder.history, mergedHistory(done, ended ? null : { name, stage }))
    if (!ended) return outcome(false)
  }
  if (!started) {
    onStart(null)
    const last = recipe.stages.length - 1
    loadFinal(folder, last, recipe.stages[last].name, model)
  }
  return outcome(true)
}

function loadFinal(folder: RunFolder, index: number, name: string, model: StageContext['model']): void {
  const { finalWeights } = folder.stage(index, name)
  scope(() => {
    try {
      model.loadStateDict(loadSafetensors(finalWeights).tensors)
    } catch (error) {
      throw new RunError(
        `The weights ${finalWeights}, which the stage before left, cannot be read: ${(error as Error).message}. ` +
          `Bring them back from a copy, or start the run again in another folder.`,
        { cause: error },
      )
    }
  })
}

function readFinished(file: string): Finished[] {
  if (!existsSync(file)) return []
  try {
    return finishedStages.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch (error) {
    throw new RunError(
      `${file} is damaged: ${(error as Error).message}. Bring it back from a copy, or delete it to do all stages again.`,
      { cause: error },
    )
  }
}

function summaryOf(name: string, stage: Stage): Finished {
  return {
    name,
    epochs: stage.epochs,
    best_epoch: stage.bestEpoch,
    history: stage.history.map((row) => ({ ...row })),
    unreadable: stage.unreadable(),
    warnings: stage.warnings(),
  }
}

function mergedHistory(done: readonly Finished[], current: { name: string; stage: Stage } | null): string {
  const rows = [
    ...done,
    ...(current === null ? [] : [{ name: current.name, history: current.stage.history }]),
  ]
  return formatHistory(
    rows.flatMap(({ name, history }) => history.map((row) => ({ stage: name, ...row }) as HistoryRow)),
  )
}

function outcomeOf(done: readonly Finished[], current: Stage | null, finished: boolean): StagesOutcome {
  const union = (lists: readonly (readonly ImageNote[])[]): ImageNote[] => [
    ...new Map(lists.flat().map((note) => [note.image, note])).values(),
  ]
  const now = current === null ? [] : [current]
  const kept = [...now.map(({ bestEpoch }) => bestEpoch), ...[...done].reverse().map((one) => one.best_epoch)]
  return {
    finished,
    epochs: [...done, ...now].reduce((sum, { epochs }) => sum + epochs, 0),
    bestEpoch: kept.find((epoch) => epoch !== null) ?? null,
    unreadable: union([...done.map((one) => one.unreadable), ...now.map((one) => one.unreadable())]),
    warnings: union([...done.map((one) => one.warnings), ...now.map((one) => one.warnings())]),
  }
}

/** The memory layout is the run's; what is computed in may be the stage's own. */
function dtypeOf({ training }: Recipe, device: string): Precision['dtype'] {
  return choosePrecision(training.precision, device).dtype
}
