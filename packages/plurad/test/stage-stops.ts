/** Stops a stage again and again on its way, and lets it go on as a new process would: a new model, what lies in the folder. */
import { manualSeed } from '@plurad/torch'
import { expect } from 'vitest'
import type { Classifier } from '../src/models/classifier.js'
import type { Stage, StageContext, StageEntry } from '../src/training/stages/stage.js'

/** Every parameter and buffer, by its bytes. */
export function bytesOf(model: Classifier): Map<string, Buffer> {
  return new Map([...model.stateDict()].map(([key, value]) => [key, Buffer.from(value.toBytes())]))
}

/** The keys whose values differ. A deep comparison would print megabytes where something is wrong. */
export function differing(a: Map<string, Buffer>, b: Map<string, Buffer>): string[] {
  expect([...a.keys()]).toEqual([...b.keys()])
  return [...a].filter(([key, value]) => !b.get(key)?.equals(value)).map(([key]) => key)
}

export interface Ended {
  stage: Stage
  model: Classifier
  /** How often it was stopped. */
  stops: number
}

/**
 * @param contexts gives the same beginning every time; all runs share the folder of the first
 * @param every how many questions whether to stop are answered with no
 */
export async function runWithStops(
  entry: StageEntry,
  options: object,
  contexts: () => StageContext,
  every: number,
): Promise<Ended> {
  const { folder } = contexts()
  for (let stops = 0; stops < 60; stops++) {
    const context = contexts()
    let asked = 0
    const hooks: StageContext['hooks'] = {
      post: (message) => context.hooks.post(message),
      get stopped() {
        return ++asked > every
      },
    }
    const stage = entry.make({ ...context, folder, hooks }, options)
    // What another stage or program drew before must not matter to one that goes on.
    if (stops > 0) manualSeed(1000 + stops)
    if (await stage.run()) return { stage, model: context.model, stops }
  }
  return expect.fail(`stopped after every ${every} questions, it never came to its end`)
}
