/** The same numbers, however often and however a run is stopped on its way. */
import { existsSync, rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeWorkplace, outcomeOf, plurad, sets, start, succeed, type Workplace } from './cli.js'

let here: Workplace
beforeAll(async () => {
  here = await makeWorkplace()
})
afterAll(() => rmSync(here.folder, { recursive: true, force: true }))

const train = (out: string, changes: readonly string[]): string[] => [
  'train',
  here.recipe,
  '--data',
  here.data,
  '--out',
  here.path(out),
  ...sets(...changes),
]

describe('the same recipe, seed and thread count', () => {
  it('give the same numbers and weights, whatever the loader’s workers', { timeout: 120_000 }, async () => {
    const outcomes: Record<string, string>[] = []
    for (const workers of [0, 2, 2]) {
      const out = `float32-${outcomes.length}`
      const changes = ['augmentation=[radiograph, random_crop]', 'data.resize_to=36', 'mixing={name: cutmix}']
      await succeed(train(out, [...changes, `data.workers=${workers}`]))
      outcomes.push(outcomeOf(here.path(out)))
    }
    for (const outcome of outcomes.slice(1)) expect(outcome).toEqual(outcomes[0])
  })

  it('give the same numbers and weights in the default precision', { timeout: 120_000 }, async () => {
    for (const [out, workers] of [
      ['auto-a', 0],
      ['auto-b', 2],
    ] as const)
      await succeed(train(out, ['training.precision=auto', 'training.epochs=1', `data.workers=${workers}`]))
    expect(outcomeOf(here.path('auto-b'))).toEqual(outcomeOf(here.path('auto-a')))
  })
})

/** Starts, or goes on with, a run and kills it after so long; then lets it end. Gives how often it was really killed. */
async function killAndResume(
  out: string,
  changes: readonly string[],
  delays: readonly number[],
): Promise<number> {
  const folder = here.path(out)
  // Killed before it had begun, a run is started again instead.
  const command = (): string[] =>
    existsSync(`${folder}/recipe.yaml`) ? ['train', '--resume', '--out', folder] : train(out, changes)
  let killed = 0
  for (const delay of delays) {
    const { child, ended } = start(command())
    const [result] = await Promise.all([ended, sleep(delay).then(() => child.kill('SIGKILL'))])
    if (result.signal === 'SIGKILL') killed++
    else expect(result, result.stderr).toMatchObject({ code: 0 })
  }
  await succeed(command())
  return killed
}

describe('a run that is killed again and again', () => {
  const settings: Record<string, string[]> = {
    'with accumulation, a cosine with warm-up, every kind of augmentation and mixing': [
      'training.accumulate=3',
      'training.batch_size=2',
      'training.schedule.name=cosine',
      'training.schedule.warmup_epochs=0.5',
      'data.resize_to=40',
      'augmentation=[horizontal_flip, {name: rotation}, random_crop, gaussian_noise, random_erasing]',
      'mixing={name: mixup, p: 0.7}',
    ],
    'with rare labels drawn more often, SAM, a moving average and Balanced-MixUp': [
      'training.sam={}',
      'training.ema={decay: 0.9}',
      'mixing={name: balanced_mixup}',
      'training.sampler={name: class-aware, images_per_epoch: 40}',
      'augmentation=[{name: random_shift, pixels: 2}]',
      'training.batch_size=3',
    ],
    'with a plateau, early stopping and mirroring': [
      'training.epochs=3',
      'training.monitor=loss',
      'training.schedule.patience=0',
      'training.early_stopping=1',
      'augmentation=[horizontal_flip]',
      'training.optimizer.name=sgd',
    ],
  }
  it.each(Object.entries(settings))('ends the same %s', { timeout: 180_000 }, async (name, changes) => {
    const out = name.replaceAll(/\W/g, '-')
    await succeed(train(`${out}-whole`, changes))
    const delays = [150, 600, 900, 1200, 1500, 1900, 2300, 3000]
    expect(await killAndResume(`${out}-killed`, changes, delays)).toBeGreaterThan(2)
    expect(outcomeOf(here.path(`${out}-killed`))).toEqual(outcomeOf(here.path(`${out}-whole`)))
  })
})

describe('a run that is interrupted', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'by %s stops cleanly, says how to go on, and ends the same',
    { timeout: 120_000 },
    async (signal) => {
      const whole = here.path(`${signal}-whole`)
      const stopped = here.path(`${signal}-stopped`)
      // Without a checkpoint on the way, so that the one on stopping is what counts.
      const changes = ['training.checkpoint_seconds=1000', 'training.epochs=3']
      await succeed(train(`${signal}-whole`, changes))
      const { child, ended, said } = start(train(`${signal}-stopped`, changes))
      await said('Epoch 1/3')
      child.kill(signal)
      const result = await ended
      expect(result, result.stderr).toMatchObject({ code: 130, stdout: '' })
      expect(result.stderr).toContain(`plurad train --resume --out ${stopped}`)
      expect(existsSync(`${stopped}/run.lock`)).toBe(false)
      await succeed(['train', '--resume', '--out', stopped])
      expect(outcomeOf(stopped)).toEqual(outcomeOf(whole))
    },
  )

  it('from another folder than it was started in goes on', { timeout: 120_000 }, async () => {
    const folder = here.path('moved')
    const first = start(['train', 'tiny.yaml', '--data', 'data', '--out', 'moved'], { cwd: here.folder })
    await first.said('Epoch 1/2')
    first.child.kill('SIGINT')
    expect((await first.ended).code).toBe(130)
    await succeed(['train', '--resume', '--out', folder], { cwd: '/' })
  })

  it('after its end repeats its outcome', { timeout: 60_000 }, async () => {
    const before = outcomeOf(here.path('moved'))
    await succeed(['train', '--resume', '--out', here.path('moved')])
    expect(outcomeOf(here.path('moved'))).toEqual(before)
    const again = await plurad(['train', here.recipe, '--data', here.data, '--out', here.path('moved')])
    expect(again).toMatchObject({ code: 1 })
  })
})
