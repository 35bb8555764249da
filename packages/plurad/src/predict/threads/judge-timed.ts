import type { ImageSource } from '../../data/source.js'
import type { Judged } from '../findings.js'
import { joined, type JudgedPart } from './pool.js'
import type { PredictOptions } from '../predictor.js'

/** Threads take half a second to start, and a third off what comes after: they start where more is left than so many seconds. */
const LONG = 2.5

/** Files that are predicted in this thread before, and those that show how long the others will take. */
const [FIRST, TIMED] = [1, 1]

export type Judge = (samples: readonly ImageSource[], options: PredictOptions) => Promise<Judged>

/** Begins here, and goes on in threads where that would take long. */
export async function judgeTimed(
  samples: readonly ImageSource[],
  { models, ...options }: PredictOptions & { models: number },
  here: Judge,
  inThreads: Judge,
): Promise<Judged> {
  const parts: JudgedPart[] = []
  const total = samples.length * models
  let start = 0
  const go = async (judge: Judge, end: number): Promise<number> => {
    const began = performance.now()
    const before = start * models
    const onProgress = (done: number): void => options.onProgress?.(before + done, total)
    parts.push({ start, judged: await judge(samples.slice(start, end), { ...options, onProgress }) })
    start = Math.min(end, samples.length)
    return (performance.now() - began) / 1000
  }
  await go(here, FIRST)
  const left = ((await go(here, FIRST + TIMED)) / TIMED) * (samples.length - start)
  const remaining = samples.length - start
  if (remaining > 0) await go(remaining > 1 && left > LONG ? inThreads : here, samples.length)
  return joined(parts)
}
