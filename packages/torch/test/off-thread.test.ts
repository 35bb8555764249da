/** Runs the compiled package: a worker loads JavaScript, so `npm run build` has to come first. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { runOffThread, type OffThreadOptions } from '@plurad/torch/off-thread'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  liveTensors,
  manualSeed,
  nn,
  noGrad,
  optim,
  scope,
  setNumThreads,
  tensor,
  zeros,
  type Tensor,
} from '../src/index.js'

const work = new URL('./fixtures/off-thread/work.mjs', import.meta.url)

const run = <Result, Message = never>(
  task: string,
  input: object = {},
  options: OffThreadOptions<Message> = {},
): Promise<Result> => runOffThread<object, Message, Result>(work, { task, ...input }, options)

beforeAll(() => setNumThreads(1))

describe('runOffThread', () => {
  test('gives the result, and messages in order before it', async () => {
    const messages: unknown[] = []
    const values = Array.from({ length: 100 }, (_, i) => i)
    const result = await run<{ sum: number; live: number }, unknown>(
      'sum',
      { values },
      { onMessage: (message) => messages.push(message) },
    )
    expect(result).toEqual({ sum: 4950, live: 0 })
    expect(messages).toEqual(values.map((value) => ({ value })))
  })

  test('gives errors their name and message', async () => {
    const failure = (kind: string): Promise<Error> =>
      run('fail', { kind }).then(
        () => new Error('nothing was thrown'),
        (error: unknown) => error as Error,
      )
    const engine = await failure('engine')
    expect(engine).toBeInstanceOf(Error)
    expect(engine.name).toBe('EngineError')
    expect(engine.message).toContain("shape '[3]' is invalid for input of size 2 (self [2] float32)")
    expect(engine.stack).toContain('work.mjs')
    expect(await failure('other')).toMatchObject({ name: 'RangeError', message: 'out of range' })
    expect(await failure('text')).toMatchObject({ name: 'Error', message: 'just text' })
  })

  test('rejects where the module is missing, ends its thread, or gives what cannot be copied', async () => {
    await expect(
      runOffThread(new URL('./fixtures/off-thread/none.mjs', import.meta.url), {}),
    ).rejects.toThrow(/Cannot find module/)
    await expect(run('exit')).rejects.toThrow('ended with code 3')
    await expect(run('giveFunction')).rejects.toThrow(/could not be cloned/)
  })

  test('tells the module to stop, and takes its result', async () => {
    const controller = new AbortController()
    const result = await run<{ steps: number; stopped: boolean }, string>(
      'untilStopped',
      {},
      { signal: controller.signal, onMessage: () => controller.abort() },
    )
    expect(result.stopped).toBe(true)
    expect(result.steps).toBeGreaterThan(0)
    // Aborted before it began: it sees so from the start.
    const already = await run<{ steps: number }>('untilStopped', {}, { signal: AbortSignal.abort() })
    expect(already.steps).toBe(0)
  })

  test('gives what onMessage throws to the caller, after the module has stopped', async () => {
    const refuse = (): never => {
      throw new TypeError('not like this')
    }
    await expect(run('untilStopped', {}, { onMessage: refuse })).rejects.toThrow(
      new TypeError('not like this'),
    )
  })

  test('leaves the event loop free while the worker multiplies', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 })
    const running = run<number>('multiply', { size: 768, milliseconds: 2000 })
    // The start of the thread is not what is measured.
    await new Promise((resolve) => setTimeout(resolve, 300))
    delay.enable()
    const products = await running
    delay.disable()
    // Not the largest: on a busy machine one gap may be the scheduler's. Work on this thread would fill the whole time with one.
    const usual = delay.percentile(99) / 1e6
    expect(products).toBeGreaterThan(1)
    expect(delay.count).toBeGreaterThan(20)
    expect(usual).toBeLessThan(100)
  })
})

describe('an engine a thread', () => {
  const steps = 30

  /** The task `train` of work.mjs, in this thread. */
  async function trainHere(seed: number, between: () => Promise<unknown>) {
    manualSeed(seed)
    const model = new nn.Linear(3, 1)
    const optimiser = new optim.SGD(model.parameters(), { lr: 0.1 })
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 10],
    ]).div(10)
    const losses: number[] = []
    for (let i = 0; i < steps; i++) {
      const loss = scope(() => model.forward(x).sub(1).pow(2).mean())
      loss.backward()
      optimiser.step()
      optimiser.zeroGrad()
      losses.push(loss.item())
      loss.dispose()
      await between()
    }
    return { losses, weights: model.weight.toFlatArray() }
  }

  async function trainThere(seed: number) {
    const losses: number[] = []
    const weights = await run<number[], number>(
      'train',
      { seed, steps },
      { onMessage: (loss) => losses.push(loss) },
    )
    return { losses, weights }
  }

  test('one worker after the other gives the same numbers', async () => {
    const first = await trainThere(3)
    expect(first.losses).toHaveLength(steps)
    expect(first.losses[steps - 1]).toBeLessThan(first.losses[0])
    expect(await trainThere(3)).toEqual(first)
  })

  test('a worker and this thread compute at the same time, and as alone', async () => {
    const alone = await trainHere(3, () => Promise.resolve())
    // The seed is the process's, so that only here is random: the worker multiplies.
    const there = run<number>('multiply', { size: 128, milliseconds: 500 })
    const here = await trainHere(3, () => new Promise((resolve) => setTimeout(resolve, 5)))
    expect(await there).toBeGreaterThan(0)
    expect(here.losses[0]).toBe(alone.losses[0])
    expect(here).toEqual(alone)
  })

  test('tensors, scopes and modes of a worker are its own', async () => {
    const live = liveTensors()
    const there = await noGrad(() =>
      scope(() => {
        zeros([1])
        return [run<{ handle: number; grad: boolean }>('isolation')] as const
      }),
    )[0]
    expect(there.grad).toBe(true)
    expect(liveTensors()).toBe(live)
  })

  test('a tensor does not cross: what arrives is refused as an operand', async () => {
    const arrived = await run<Tensor>('giveTensor')
    const x = zeros([2])
    expect(() => x.add(arrived)).toThrow(TypeError)
    expect(() => x.matmul(arrived)).toThrow("argument 'other' (Tensor): expected a Tensor, got an object")
  })
})
