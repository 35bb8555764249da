/** The run folder: where everything of one run lies, and who may write to it. */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RunError } from '../errors.js'
import { makeFolder } from '../files.js'
import { lockFolder } from '../lock.js'
import { STAGE_FOLDERS, StageFolder } from './stage-folder.js'

/** Paths of a run folder's contents. A run of one stage keeps it in the folder itself. */
export class RunFolder extends StageFolder {
  get recipe(): string {
    return join(this.root, 'recipe.yaml')
  }
  get environment(): string {
    return join(this.root, 'environment.json')
  }
  get split(): string {
    return join(this.root, 'split.csv')
  }
  /** The training images that keep their labels, of runs with data.labelled. */
  get labelled(): string {
    return join(this.root, 'labelled.csv')
  }
  get skipped(): string {
    return join(this.root, 'skipped.csv')
  }
  get warnings(): string {
    return join(this.root, 'warnings.csv')
  }
  get metrics(): string {
    return join(this.root, 'metrics.json')
  }
  get model(): string {
    return join(this.root, 'model.safetensors')
  }
  get report(): string {
    return join(this.root, 'report.html')
  }
  /** Which stages are finished, of runs of several. */
  get stages(): string {
    return join(this.root, 'stages.json')
  }
  /** Of what an ensemble is made. */
  get ensemble(): string {
    return join(this.root, 'ensemble.json')
  }
  /** The run of a member of an ensemble that is trained; `index` from 0. */
  member(index: number, name: string): RunFolder {
    return new RunFolder(join(this.root, 'members', `${index + 1}-${name}`))
  }
  /** Scores as the model gives them. */
  predictions(split: 'val' | 'test'): string {
    return join(this.root, 'predictions', `${split}.csv`)
  }
  /** Calibrated probabilities, of runs with evaluation.calibration. */
  calibrated(split: 'val' | 'test'): string {
    return join(this.root, 'predictions', `${split}-calibrated.csv`)
  }
  /** Age, sex and view of the images that are judged, where anything is known. */
  get metadata(): string {
    return join(this.root, 'metadata.csv')
  }
  /** The test split's figures by sex, age and view. */
  get subgroups(): string {
    return join(this.root, 'subgroups.json')
  }
  /** The test split's figures on corrupted images, where they were asked for. */
  get robustness(): string {
    return join(this.root, 'robustness.json')
  }
  get card(): string {
    return join(this.root, 'model-card.md')
  }

  /** The folder of a stage of a run of several, made where it is missing; `index` from 0. */
  stage(index: number, name: string): StageFolder {
    const folder = new StageFolder(join(this.root, 'stages', `${index + 1}-${name}`))
    for (const inner of STAGE_FOLDERS) makeFolder(folder.file(inner))
    return folder
  }

  /** Whether a run was begun here. */
  get begun(): boolean {
    return existsSync(this.recipe)
  }

  /** Whether a run was finished here. */
  get finished(): boolean {
    return existsSync(this.metrics)
  }

  /** Makes the folders. Throws `RunError` where that cannot be, or where something else is in the way. */
  async create(): Promise<void> {
    if (existsSync(this.root) && !statSync(this.root).isDirectory()) {
      throw new RunError(`${this.root} is a file, not a folder. Choose another folder with --out.`)
    }
    const present = existsSync(this.root) ? await readdir(this.root) : []
    const foreign = present.filter((name) => !OF_A_START.test(name))
    const filled = FOLDERS.filter((name) => !isEmpty(join(this.root, name)))
    if (!this.begun && foreign.length + filled.length > 0) {
      throw new RunError(
        `${this.root} exists, is not empty and holds no run (it has ${[...foreign, ...filled].slice(0, 3).join(', ')}). ` +
          'Choose another folder with --out.',
      )
    }
    for (const folder of FOLDERS) makeFolder(join(this.root, folder))
  }

  /**
   * Takes the folder for this process; the function given back lets it go. A lock whose process is gone is taken over.
   */
  lock(): () => void {
    const unlock = lockFolder(this.root, LOCK)
    this.#removeLeftovers()
    return unlock
  }

  /** Half-written files of a process that was killed; their place is taken only by whole ones. */
  #removeLeftovers(): void {
    for (const name of existsSync(this.root) ? readdirSync(this.root, { recursive: true }) : []) {
      if (String(name).endsWith('.tmp')) rmSync(join(this.root, String(name)), { force: true })
    }
  }
}

const LOCK = 'run.lock'
const FOLDERS = [...STAGE_FOLDERS, 'predictions']

/** What a run has before it begins: where it was killed that early, it can simply be started again. */
const OF_A_START =
  /^(run\.lock|checkpoints|predictions|members|(split|labelled)\.csv|environment\.json|\..*\.tmp)$/

function isEmpty(folder: string): boolean {
  return !existsSync(folder) || readdirSync(folder).length === 0
}
