import { Worker } from 'node:worker_threads'
import { PluradError } from '../../errors.js'
import { contactImageOf } from './contact-image.js'
import { detailOf } from './image-detail.js'
import { factsOf, type ImageFacts, type ImageReading } from './image-facts.js'

/** What can be asked of an image, and what is answered. */
interface ImageJobs {
  facts: ImageFacts
  detail32: Int8Array
  detail64: Int8Array
  contact: Uint8Array
}

export type ImageJob = keyof ImageJobs

export type ImageAnswer<Job extends ImageJob> = { value: ImageJobs[Job] } | { reason: string }

export interface ImageJobOptions extends ImageReading {
  /** Threads; 0 works in the calling one. The answers are the same. */
  workers: number
  onProgress?: ((done: number, total: number) => void) | undefined
}

/** Main thread to worker; the answer is `ImageAnswer[]`, in this order. */
export interface ImageTask {
  job: ImageJob
  references: readonly string[]
  reading: ImageReading
}

/** Images a message: few enough to share the last ones among the workers, enough that messages cost nothing. */
const TASK_IMAGES = 16

const work: { [Job in ImageJob]: (path: string, reading: ImageReading) => Promise<ImageJobs[Job]> } = {
  facts: factsOf,
  detail32: (path, reading) => detailOf(path, reading, 32),
  detail64: (path, reading) => detailOf(path, reading, 64),
  contact: contactImageOf,
}

/** Damage is an answer, not an exception. */
export async function answer<Job extends ImageJob>(
  job: Job,
  reference: string,
  reading: ImageReading,
): Promise<ImageAnswer<Job>> {
  try {
    return { value: await work[job](reference, reading) }
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * Asks the same of many images.
 *
 * @param onAnswer called once for every reference, in no particular order
 * @throws PluradError where a thread dies
 */
export async function askImages<Job extends ImageJob>(
  job: Job,
  references: readonly string[],
  { workers, window, bits, onProgress }: ImageJobOptions,
  onAnswer: (index: number, answer: ImageAnswer<Job>) => void,
): Promise<void> {
  const reading = { window, bits }
  let done = 0
  const take = (index: number, value: ImageAnswer<Job>): void => {
    onAnswer(index, value)
    onProgress?.(++done, references.length)
  }
  const threads = Math.min(workers, Math.ceil(references.length / TASK_IMAGES))
  if (threads < 1) {
    for (const [index, reference] of references.entries()) take(index, await answer(job, reference, reading))
    return
  }
  let next = 0
  const nextTask = (): number | null => {
    if (next >= references.length) return null
    const first = next
    next += TASK_IMAGES
    return first
  }
  const one = (thread: Worker): Promise<void> =>
    keepBusy(thread, nextTask, {
      task: (first) => ({ job, references: references.slice(first, first + TASK_IMAGES), reading }),
      take: (first, answers) => answers.forEach((value, at) => take(first + at, value as ImageAnswer<Job>)),
    })
  const started = Array.from(
    { length: threads },
    () => new Worker(new URL('./image-jobs-worker.js', import.meta.url), { execArgv: [] }),
  )
  try {
    await Promise.all(started.map(one))
  } finally {
    await Promise.all(started.map((thread) => thread.terminate()))
  }
}

/** Gives a thread one task after the other, two at a time so that it never waits for a message. */
function keepBusy(
  thread: Worker,
  nextTask: () => number | null,
  {
    task,
    take,
  }: {
    task: (first: number) => ImageTask
    take: (first: number, answers: ImageAnswer<ImageJob>[]) => void
  },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const underWay: number[] = []
    const fill = (): void => {
      while (underWay.length < 2) {
        const first = nextTask()
        if (first === null) break
        underWay.push(first)
        thread.postMessage(task(first))
      }
      if (underWay.length === 0) resolve()
    }
    const fail = (why: string): void => {
      const first = underWay[0]
      const where =
        first === undefined ? '' : ` while it read ${task(first).references[0]} and those after it`
      reject(new PluradError(`A thread that reads images stopped (${why})${where}.`))
    }
    thread.on('message', (answers: ImageAnswer<ImageJob>[]) => {
      // A thread answers in the order in which it was asked.
      take(underWay.shift() as number, answers)
      fill()
    })
    thread.on('error', (error) => fail(error.message))
    thread.on('exit', (code) => fail(`exit code ${code}`))
    fill()
  })
}
